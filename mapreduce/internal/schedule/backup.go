package schedule

import "slices"

// copies is the state that the two flights of one chunk share.
type copies struct {
	flying int  // how many are neither answered nor lost
	done   bool // one was answered, so the other is useless
}

// assignBackup gives a worker that holds nothing a second copy of the chunk that has been in flight
// longest, of those without a copy.
func (s *Scheduler) assignBackup(place int) bool {
	from, oldest := -1, (*flight)(nil)
	for other := range s.workers {
		flights := s.workers[other].flights.Items()
		i := slices.IndexFunc(flights, func(f flight) bool { return f.copies == nil && f.call.mayCopy() })
		if i >= 0 && (oldest == nil || flights[i].serial < oldest.serial) {
			from, oldest = other, &flights[i]
		}
	}
	w := &s.workers[place]
	if oldest == nil || s.MaxTasks > 0 && w.tasks+oldest.Size() > s.MaxTasks {
		return false
	}
	oldest.copies = &copies{flying: 2}
	s.fly(place, *oldest)
	s.Actions = append(s.Actions, Action{Kind: Copy, Place: place, From: from, Call: oldest.call, Span: oldest.Span,
		Attempt: oldest.call.attempts[oldest.First] + 1})
	return true
}

// mayCopy reports whether the call has backups and all its items are at workers or answered.
func (c *Call) mayCopy() bool {
	return c.Backups && c.Place == 0 && c.Ended && c.next == c.Have && len(c.again) == 0 && !c.cancelled && !c.finished
}

// land removes a flight from the counts. It reports whether no other flight can still answer its
// items.
func (f *flight) land() (last bool) {
	f.call.held--
	switch {
	case f.copies == nil:
		return true
	case f.copies.done:
		f.call.useless--
		return false
	}
	f.copies.flying--
	return f.copies.flying == 0
}

// alone marks the remaining flight of two as one that may be copied again.
func (s *Scheduler) alone(left *copies) {
	if left == nil || left.done {
		return
	}
	for place := range s.workers {
		flights := s.workers[place].flights.Items()
		for i := range flights {
			if flights[i].copies == left {
				flights[i].copies = nil
			}
		}
	}
}

// win records that the flight was answered, which makes its copy useless.
func (f *flight) win() {
	if f.copies != nil {
		f.copies.done = true
		f.call.useless += f.copies.flying
	}
}
