package shuffle

import "math"

// A Merge is how two values of a key become one. Values are 64 bits: a signed integer, an unsigned
// one, or a float64.
type Merge uint8

// The ways to merge. Sums of integers wrap around, as in Go.
const (
	Sum Merge = iota + 1 // of integers, signed or not
	SumFloat
	Min
	Max
	MinUnsigned
	MaxUnsigned
	MinFloat
	MaxFloat
)

func (m Merge) of(a, b uint64) uint64 {
	switch m {
	case Sum:
		return a + b
	case Min:
		return uint64(min(int64(a), int64(b)))
	case Max:
		return uint64(max(int64(a), int64(b)))
	case MinUnsigned:
		return min(a, b)
	case MaxUnsigned:
		return max(a, b)
	}
	x, y := math.Float64frombits(a), math.Float64frombits(b)
	switch m {
	case SumFloat:
		x += y
	case MinFloat:
		x = min(x, y)
	case MaxFloat:
		x = max(x, y)
	}
	return math.Float64bits(x)
}
