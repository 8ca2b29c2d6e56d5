package factorial

import (
	"iter"
	"math"
)

// sieveLen is how many numbers are sieved at once: the marks of the odd ones stay in the cache.
const sieveLen = 1 << 16

// primes yields the primes of r, in order.
func primes(r span) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		if r.Lo <= 2 && 2 < r.Hi && !yield(2) {
			return
		}
		small := oddPrimes(int64(math.Sqrt(float64(r.Hi))) + 1)
		composite := make([]bool, min(sieveLen, max(0, r.Hi-r.Lo)+1)/2+1) // of lo, lo+2, lo+4, …
		for lo := max(r.Lo, 3) | 1; lo < r.Hi; lo += sieveLen {
			clear(composite)
			hi := min(lo+sieveLen, r.Hi)
			for _, p := range small {
				if p*p >= hi {
					break
				}
				multiple := max(p*p, (lo+p-1)/p*p)
				if multiple&1 == 0 {
					multiple += p
				}
				for i := (multiple - lo) / 2; i < int64(len(composite)); i += p {
					composite[i] = true
				}
			}
			for i := range (hi - lo + 1) / 2 {
				if !composite[i] && !yield(lo+2*i) {
					return
				}
			}
		}
	}
}

// oddPrimes returns the odd primes below limit.
func oddPrimes(limit int64) []int64 {
	var all []int64
	composite := make([]bool, limit)
	for n := int64(3); n < limit; n += 2 {
		if composite[n] {
			continue
		}
		all = append(all, n)
		for i := n * n; i < limit; i += 2 * n {
			composite[i] = true
		}
	}
	return all
}
