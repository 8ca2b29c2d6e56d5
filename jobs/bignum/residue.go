package bignum

import (
	"context"

	"mrrun/internal/decimal"
	"mrrun/mapreduce"
)

// A stretch is some limbs of a number.
type stretch struct {
	Limbs *array
	Check decimal.Check
}

var stretchResidue = mapreduce.Func(func(s stretch) uint64 {
	inUse.RLock()
	defer inUse.RUnlock()
	return s.Check.Residue(s.Limbs.Slice())
})

// Residue returns x modulo the prime of check.
func (c *Calculator) Residue(ctx context.Context, x *Number, check decimal.Check) (uint64, error) {
	var pieces []stretch
	step := max(1<<12, x.len/(2*c.procs)+1)
	for from := 0; from < x.len; from += step {
		pieces = append(pieces, stretch{x.memory.Sub(from, min(from+step, x.len)), check})
	}
	residues, err := stretchResidue.Map(ctx, c.pool, pieces, mapreduce.Chunksize(1))
	if err != nil {
		return 0, err
	}
	var sum uint64
	for i, r := range residues {
		sum = check.Plus(sum, check.Shift(r, i*step))
	}
	return sum, nil
}
