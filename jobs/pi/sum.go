package pi

import (
	"math"
	"math/bits"
)

// fracBits is the number of binary digits of a fixed-point number after the point.
const fracBits = 126

// fixed is a signed fixed-point number: Hi and Lo are the halves of a 128-bit
// two's-complement integer that counts units of 2^-126.
//
// Partial results are kept in this form, not as float64, because integer
// addition is associative: the total does not depend on how the series was cut
// into tasks or on the order in which they finished.
type fixed struct{ Hi, Lo uint64 }

// Add returns s+t, exactly. A fixed number reaches from -2 up to just below 2, and the
// sum of any set of blocks of the series lies in [0, 1]: a full block adds up to
// more than 0, and all of them together to less than 1. So nothing wraps here.
func (s fixed) Add(t fixed) fixed {
	lo, carry := bits.Add64(s.Lo, t.Lo, 0)
	hi, _ := bits.Add64(s.Hi, t.Hi, carry)
	return fixed{hi, lo}
}

// Float64 returns the float64 nearest to s; of two equally near, the even one.
func (s fixed) Float64() float64 {
	if int64(s.Hi) < 0 {
		// -(-2) does not fit, but read as unsigned its bits still are +2.
		return -s.neg().magnitude()
	}
	return s.magnitude()
}

// Pi returns 4*s as a float64, rounded like Float64: scaling by a power of two
// is exact, since no fixed number but 0 is anywhere near the subnormal numbers.
func (s fixed) Pi() float64 {
	return 4 * s.Float64()
}

// neg returns -s.
func (s fixed) neg() fixed {
	lo, borrow := bits.Sub64(0, s.Lo, 0)
	hi, _ := bits.Sub64(0, s.Hi, borrow)
	return fixed{hi, lo}
}

// magnitude returns the float64 nearest to s, with s read as unsigned.
func (s fixed) magnitude() float64 {
	exp := 64 - fracBits
	if s.Hi == 0 {
		s.Hi, s.Lo = s.Lo, 0
		exp -= 64
	}
	shift := bits.LeadingZeros64(s.Hi)
	top := s.Hi<<shift | s.Lo>>(64-shift)
	if s.Lo<<shift != 0 {
		// Stands for all lower bits. The conversion below drops 11 bits of top,
		// so this one only keeps it from seeing a tie where there is none.
		top |= 1
	}
	return math.Ldexp(float64(top), exp-shift)
}

// fromFloat returns x, |x| < 2, truncated to a multiple of 2^-126. It is exact for 0 and for |x| >=
// 2^-74.
func fromFloat(x float64) fixed {
	if x < 0 {
		return fromFloat(-x).neg()
	}
	scaled := float64(x * 0x1p62) // exact; converted so that nothing is fused
	hi := math.Floor(scaled)
	return fixed{uint64(hi), uint64((scaled - hi) * 0x1p64)}
}
