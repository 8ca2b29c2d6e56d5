package factorial

import (
	"math"
	"math/big"
	"math/bits"
	"sort"

	"golang.org/x/sync/errgroup"

	"mrrun/internal/cores"
)

// span is the half-open run of integers [Lo, Hi). Its fields are exported so
// that it can travel to a worker.
type span struct{ Lo, Hi int64 }

// leafFactors is how many factors product multiplies one after the other
// before it splits: below it the numbers are so short that a multiplication by
// one machine word beats a multiplication of two halves.
const leafFactors = 128

// product multiplies the integers of r, which must not be negative. The
// product of an empty range is 1.
//
// Halving the range keeps both sides of every multiplication equally long,
// which is where math/big's fast multiplication pays off.
func product(r span) *big.Int {
	if r.Hi-r.Lo <= leafFactors {
		return leafProduct(r)
	}
	mid := r.Lo + (r.Hi-r.Lo)/2
	left := product(span{r.Lo, mid})
	return left.Mul(left, product(span{mid, r.Hi}))
}

// leafProduct multiplies the integers of r in order. It gathers factors in a
// machine word for as long as they fit, so that the big number is touched once
// per word and not once per factor.
func leafProduct(r span) *big.Int {
	x, spare, word := big.NewInt(1), new(big.Int), new(big.Int)
	flush := func(w uint64) {
		// Writing to a second number and swapping lets math/big reuse
		// the storage of both; x.Mul(x, w) would allocate every time.
		spare.Mul(x, word.SetUint64(w))
		x, spare = spare, x
	}
	acc := uint64(1)
	for i := r.Lo; i < r.Hi; i++ {
		hi, lo := bits.Mul64(acc, uint64(i))
		if hi != 0 {
			flush(acc)
			lo = uint64(i)
		}
		acc = lo
	}
	flush(acc)
	return x
}

// splitProduct cuts the factors 2..n of n! into at most parts ranges whose
// products are about equally long. There are fewer ranges when there are fewer
// factors than parts, and none when n is below 2.
func splitProduct(n int64, parts int) []span {
	if n < 2 {
		return nil
	}
	parts = int(min(int64(max(parts, 1)), n-1))
	total := log2Factorial(n)
	ranges := make([]span, 0, parts)
	lo := int64(2)
	for k := 1; k <= parts; k++ {
		target := total * float64(k) / float64(parts)
		hi := firstFactorialAbove(target, lo, n) + 1
		if k == parts {
			hi = n + 1
		}
		// Leave at least one factor for each range still to come.
		hi = min(hi, n+1-int64(parts-k))
		ranges = append(ranges, span{lo, hi})
		lo = hi
	}
	return ranges
}

// firstFactorialAbove returns the smallest m in [lo, n] with log2(m!) >= target,
// or n if there is none.
func firstFactorialAbove(target float64, lo, n int64) int64 {
	steps := sort.Search(int(n-lo), func(i int) bool {
		return log2Factorial(lo+int64(i)) >= target
	})
	return lo + int64(steps)
}

// log2Factorial estimates the number of bits of n!.
func log2Factorial(n int64) float64 {
	lg, _ := math.Lgamma(float64(n) + 1)
	return lg / math.Ln2
}

// productTree multiplies parts by combining neighbours, level by level, so that equally long parts
// stay equally long. It computes the products of a level at the same time. The product of no parts
// is 1; that of one part is the part itself. The slice and its numbers are not changed.
func productTree(parts []*big.Int) *big.Int {
	if len(parts) == 0 {
		return big.NewInt(1)
	}
	for len(parts) > 1 {
		next := make([]*big.Int, (len(parts)+1)/2)
		var level errgroup.Group
		level.SetLimit(cores.Usable())
		for i := range next {
			left, rest := parts[2*i], parts[2*i+1:]
			if len(rest) == 0 {
				next[i] = left
				continue
			}
			level.Go(func() error {
				next[i] = new(big.Int).Mul(left, rest[0])
				return nil
			})
		}
		_ = level.Wait() // multiplications do not fail
		parts = next
	}
	return parts[0]
}
