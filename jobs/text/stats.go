package text

// Stats are figures of exact numbers, in any order.
type Stats struct {
	Count         int64
	Sum, Min, Max Decimal
}

// StatsOf returns the Stats of one number.
func StatsOf(d Decimal) Stats { return Stats{1, d, d, d} }

// Merge returns the Stats of the numbers of both, each of which has some.
func (s Stats) Merge(t Stats) Stats {
	s.Count += t.Count
	s.Sum = s.Sum.Add(t.Sum)
	if t.Min.Less(s.Min) {
		s.Min = t.Min
	}
	if s.Max.Less(t.Max) {
		s.Max = t.Max
	}
	return s
}

// Mean returns the number that is nearest to the mean.
func (s Stats) Mean() float64 { return s.Sum.Over(s.Count) }
