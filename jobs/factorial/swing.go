package factorial

import (
	"context"
	"math"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
	"mrrun/jobs/bignum"
	"mrrun/mapreduce"
	"mrrun/transport"
)

// The swing of n is n! divided by the square of the factorial of n/2 (rounded down). A prime p is
// in it as often as there are odd numbers among n/p, n/p², n/p³, … (rounded down): those above n/2
// once, those between n/3 and n/2 not at all, those between n/4 and n/3 once, and so on.

// A swingPiece is the part of the swing of N whose primes are from Lo to Hi-1.
type swingPiece struct {
	span
	N int64
}

var multiplyPrimes = mapreduce.Func(func(p swingPiece) transport.View[uint64] {
	return transport.NewView(decimal.Product(p.words()))
})

// words returns numbers below the base whose product is that of the piece.
func (p swingPiece) words() []uint64 {
	var words []uint64
	word := uint64(1)
	for prime := range primes(p.span) {
		power := uint64(1)
		for q := p.N / prime; q > 0; q /= prime {
			if q&1 != 0 {
				power *= uint64(prime) // stays at most N
			}
		}
		if word > (ntt.Base-1)/power {
			words = append(words, word)
			word = 1
		}
		word *= power
	}
	return append(words, word)
}

// swingPieces cuts the swing of n into pieces of about so many limbs.
func swingPieces(n int64, limbs int) []swingPiece {
	// The logarithms of the primes up to x add up to about x.
	step := max(1, int64(float64(limbs)*ntt.Digits*math.Ln10))
	var pieces []swingPiece
	top := n
	for odd := int64(1); ; odd += 2 {
		bottom := n / (odd + 1) // between there and top, n/p is odd
		if top-bottom < step/2 {
			break
		}
		count := (top - bottom + step - 1) / step
		for i := range count {
			hi, lo := top-(top-bottom)*i/count, top-(top-bottom)*(i+1)/count
			pieces = append(pieces, swingPiece{span{lo + 1, hi + 1}, n})
		}
		top = n / (odd + 2)
	}
	for top > 1 { // here every other number counts, about
		lo := max(1, top-2*step)
		pieces = append(pieces, swingPiece{span{lo + 1, top + 1}, n})
		top = lo
	}
	return pieces
}

// swing returns the swing of n.
func swing(ctx context.Context, pool *mapreduce.Pool, calc *bignum.Calculator, n int64) (*bignum.Number, error) {
	const shortest, most = 2000, 16 // limbs of a piece, unless there are fewer; pieces
	limbs := int(float64(n) / (log2Ten * ntt.Digits))
	parts, err := multiplyPrimes.Map(ctx, pool, swingPieces(n, max(shortest, limbs/most)), mapreduce.Chunksize(1))
	if err != nil {
		return nil, err
	}
	factors := make([]*bignum.Number, len(parts))
	for i, part := range parts {
		if factors[i], err = calc.Import(part.Slice()); err != nil {
			return nil, err
		}
		part.Release()
	}
	return calc.Product(ctx, factors)
}
