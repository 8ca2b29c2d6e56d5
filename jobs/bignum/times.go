package bignum

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
	"mrrun/mapreduce"
)

// wholeLen is the length up to which one worker computes a product alone.
const wholeLen = 4096

// Times returns a·b. It does not free them.
func (c *Calculator) Times(ctx context.Context, a, b *Number) (*Number, error) {
	if a.len < b.len {
		a, b = b, a
	}
	switch {
	case b.len == 0:
		return c.Import(nil)
	case b.len > c.maxShort:
		return c.timesInParts(ctx, a, b)
	case a.len+b.len <= wholeLen:
		return c.timesWhole(ctx, a, b)
	default:
		return c.timesTransform(ctx, a, b)
	}
}

// Product returns the product of the factors, and frees them. There is at least one.
func (c *Calculator) Product(ctx context.Context, factors []*Number) (*Number, error) {
	for len(factors) > 1 {
		next := make([]*Number, (len(factors)+1)/2)
		level, ctx := errgroup.WithContext(ctx)
		for i := range next {
			if 2*i+1 == len(factors) {
				next[i] = factors[2*i]
				continue
			}
			level.Go(func() (err error) {
				a, b := factors[2*i], factors[2*i+1]
				if next[i], err = c.Times(ctx, a, b); err == nil {
					c.Free(a)
					c.Free(b)
				}
				return err
			})
		}
		if err := level.Wait(); err != nil {
			return nil, err
		}
		factors = next
	}
	return factors[0], nil
}

// A wholePiece is a product of short numbers.
type wholePiece struct{ A, B, Out *array }

var multiplyWhole = mapreduce.Func(func(p wholePiece) int {
	inUse.RLock()
	defer inUse.RUnlock()
	return copy(p.Out.Slice(), decimal.Times(p.A.Slice(), p.B.Slice()))
})

func (c *Calculator) timesWhole(ctx context.Context, a, b *Number) (*Number, error) {
	out, err := c.take(a.len + b.len)
	if err != nil {
		return nil, err
	}
	n, err := multiplyWhole.Apply(ctx, c.pool, wholePiece{a.limbs(), b.limbs(), out})
	if err != nil {
		return nil, err
	}
	c.done.Add(Cost(a.len, b.len))
	return &Number{out, n}, nil
}

// A residuesPiece is one part of a product modulo one prime. Of a square, B is nil.
type residuesPiece struct {
	Plan             ntt.Plan
	Modulus, Part    int
	A, B, Roots, Out *array
}

var computeResidues = mapreduce.Func(func(p residuesPiece) struct{} {
	inUse.RLock()
	defer inUse.RUnlock()
	var b []uint64
	if p.B != nil {
		b = p.B.Slice()
	}
	spare := spares.Get().(*[]uint64)
	*spare = slices.Grow((*spare)[:0], p.Plan.Size)[:p.Plan.Size]
	p.Plan.Residues(p.Out.Slice(), *spare, p.A.Slice(), b, p.Roots.Slice(), p.Modulus, p.Part)
	spares.Put(spare)
	return struct{}{}
})

var spares = sync.Pool{New: func() any { return new([]uint64) }}

// A carryPiece is the limbs of a product whose index modulo the plan's size is between From and To.
type carryPiece struct {
	Plan          ntt.Plan
	Residues, Out *array // the residues of each prime, one after the other
	From, To      int
}

var carryLimbs = mapreduce.Func(func(p carryPiece) []ntt.Carry {
	inUse.RLock()
	defer inUse.RUnlock()
	all := p.Residues.Slice()
	var residues [ntt.Moduli][]uint64
	for i := range residues {
		residues[i] = all[i*p.Plan.Len():][:p.Plan.Len()]
	}
	return p.Plan.Carry(p.Out.Slice(), residues, p.From, p.To)
})

func (c *Calculator) timesTransform(ctx context.Context, a, b *Number) (*Number, error) {
	plan := ntt.NewPlan(a.len, b.len)
	residues, err := c.take(ntt.Moduli * plan.Len())
	if err != nil {
		return nil, err
	}
	if err := c.residues(ctx, plan, a, b, residues); err != nil {
		return nil, err
	}
	out, err := c.take(a.len + b.len)
	if err != nil {
		return nil, err
	}
	limbs := out.Sub(0, a.len+b.len)
	var pieces []carryPiece
	step := max(256, (plan.Size+2*c.procs-1)/(2*c.procs))
	for from := 0; from < plan.Size; from += step {
		pieces = append(pieces, carryPiece{plan, residues, limbs, from, min(from+step, plan.Size)})
	}
	carries, err := carryLimbs.Map(ctx, c.pool, pieces, mapreduce.Chunksize(1))
	if err != nil {
		return nil, err
	}
	c.give(residues)
	for _, carry := range slices.Concat(carries...) {
		ntt.AddCarry(limbs.Slice(), carry)
	}
	return &Number{out, len(decimal.Trim(limbs.Slice()))}, nil
}

// residues computes the residues of a·b.
func (c *Calculator) residues(ctx context.Context, plan ntt.Plan, a, b *Number, out *array) error {
	factor := b.limbs()
	if a == b {
		factor = nil
	}
	pieces := func(yield func(residuesPiece) bool) {
		for part := range plan.Parts {
			for modulus := range ntt.Moduli {
				at := modulus*plan.Len() + part*plan.Size
				p := residuesPiece{plan, modulus, part, a.limbs(), factor, c.rootsOf(modulus), out.Sub(at, at+plan.Size)}
				if !yield(p) {
					return
				}
			}
		}
	}
	for _, err := range computeResidues.ImapUnordered(ctx, c.pool, pieces, mapreduce.Chunksize(1)) {
		if err != nil {
			return err
		}
		c.done.Add(int64(plan.Size) / ntt.Moduli)
	}
	return nil
}

// timesInParts multiplies by a number that is too long for one product.
func (c *Calculator) timesInParts(ctx context.Context, a, b *Number) (*Number, error) {
	out, err := c.take(a.len + b.len)
	if err != nil {
		return nil, err
	}
	limbs := out.Sub(0, a.len+b.len).Slice()
	clear(limbs)
	for at := 0; at < b.len; at += c.maxShort {
		part := b.memory.Sub(at, min(at+c.maxShort, b.len))
		n := len(decimal.Trim(part.Slice()))
		if n == 0 {
			continue
		}
		product, err := c.timesTransform(ctx, a, &Number{part, n})
		if err != nil {
			return nil, err
		}
		decimal.Add(limbs[at:], product.Limbs())
		c.Free(product)
	}
	return &Number{out, len(decimal.Trim(limbs))}, nil
}
