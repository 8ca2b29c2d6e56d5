package factorial

import "math/big"

// maxEvery bounds the values of one range: among small numbers the bytes alone
// would let a range grow very long.
const maxEvery = 4096

// everyFactorial returns n! for each n of r, in order. It computes only the first as a full
// product; every other one is the previous one times n.
func everyFactorial(r span) []*big.Int {
	if r.Lo >= r.Hi {
		return nil
	}
	values := make([]*big.Int, 0, r.Hi-r.Lo)
	last := product(span{2, r.Lo + 1})
	values = append(values, last)
	factor := new(big.Int)
	for n := r.Lo + 1; n < r.Hi; n++ {
		last = new(big.Int).Mul(last, factor.SetInt64(n))
		values = append(values, last)
	}
	return values
}

// splitEvery cuts r into ranges whose factorials take about bytes bytes
// together. A range has at least one value, even if that one is larger, and at
// most maxEvery.
func splitEvery(r span, bytes int64) []span {
	var ranges []span
	limit := float64(bytes) * 8
	lo, used := r.Lo, 0.0
	for n := r.Lo; n < r.Hi; n++ {
		size := log2Factorial(n)
		if n > lo && (used+size > limit || n-lo == maxEvery) {
			ranges = append(ranges, span{lo, n})
			lo, used = n, 0
		}
		used += size
	}
	if lo < r.Hi {
		ranges = append(ranges, span{lo, r.Hi})
	}
	return ranges
}
