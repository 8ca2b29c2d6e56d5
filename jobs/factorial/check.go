package factorial

import (
	"context"

	"mrrun/internal/decimal"
	"mrrun/mapreduce"
)

// A residuePiece is the factors of a range, to be multiplied modulo a prime.
type residuePiece struct {
	span
	Check decimal.Check
}

var multiplyResidues = mapreduce.Func(func(p residuePiece) uint64 {
	const lanes = 4 // the divisions of different lanes overlap
	products := [lanes]uint64{1, 1, 1, 1}
	n := p.Lo
	for ; n+2*lanes <= p.Hi; n += 2 * lanes {
		for i := range int64(lanes) {
			m := uint64(n + 2*i)
			products[i] = p.Check.Times(products[i], m*(m+1)) // below 2^54
		}
	}
	product := uint64(1)
	for ; n < p.Hi; n++ {
		product = p.Check.Times(product, uint64(n))
	}
	for _, x := range products {
		product = p.Check.Times(product, x)
	}
	return product
})

// factorialResidue returns n! modulo the prime of check, factor by factor.
func factorialResidue(ctx context.Context, pool *mapreduce.Pool, n int64, check decimal.Check) (uint64, error) {
	const step = 1 << 20
	var pieces []residuePiece
	for lo := int64(1); lo <= n; lo += step {
		pieces = append(pieces, residuePiece{span{lo, min(lo+step, n+1)}, check})
	}
	residues, err := multiplyResidues.Map(ctx, pool, pieces)
	if err != nil {
		return 0, err
	}
	product := uint64(1)
	for _, r := range residues {
		product = check.Times(product, r)
	}
	return product, nil
}
