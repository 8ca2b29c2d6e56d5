package bignum

import (
	"context"

	"mrrun/internal/ntt"
	"mrrun/mapreduce"
)

// A rootsPiece is a part of the table of a prime.
type rootsPiece struct {
	Part           *array
	First, Modulus int
}

var fillRoots = mapreduce.Func(func(p rootsPiece) struct{} {
	inUse.RLock()
	defer inUse.RUnlock()
	ntt.FillRoots(p.Part.Slice(), p.First, p.Modulus)
	return struct{}{}
})

// makeRoots makes tables of so many roots.
func (c *Calculator) makeRoots(ctx context.Context, length int) error {
	var err error
	if c.roots, err = c.take(length * ntt.Moduli); err != nil {
		return err
	}
	var pieces []rootsPiece
	for modulus := range ntt.Moduli {
		table := c.rootsOf(modulus)
		step := max(1<<10, length/(2*c.procs))
		for from := 0; from < length; from += step {
			pieces = append(pieces, rootsPiece{table.Sub(from, min(from+step, length)), from, modulus})
		}
	}
	_, err = fillRoots.Map(ctx, c.pool, pieces, mapreduce.Chunksize(1))
	return err
}

// rootsOf returns the table of a prime.
func (c *Calculator) rootsOf(modulus int) *array {
	length := c.roots.Len() / ntt.Moduli
	return c.roots.Sub(modulus*length, (modulus+1)*length)
}
