package bignum

import (
	"context"
	"slices"

	"mrrun/internal/decimal"
)

// Multiply returns the product of numbers in the memory of this process. If it is short, this
// process computes it.
func (c *Calculator) Multiply(ctx context.Context, a, b []uint64) ([]uint64, error) {
	if len(a)+len(b) <= wholeLen {
		return decimal.Times(a, b), context.Cause(ctx)
	}
	x, err := c.Import(a)
	if err != nil {
		return nil, err
	}
	defer c.Free(x)
	y := x
	if len(a) != len(b) || &a[0] != &b[0] {
		if y, err = c.Import(b); err != nil {
			return nil, err
		}
		defer c.Free(y)
	}
	product, err := c.Times(ctx, x, y)
	if err != nil {
		return nil, err
	}
	defer c.Free(product)
	return slices.Clone(product.Limbs()), nil
}
