// Package bignum computes with long decimal numbers on the workers of a pool.
//
// The numbers lie in shared memory, where all workers read them. A product is cut into pieces, of
// which each writes to a place of its own; so a piece whose worker dies is computed again.
package bignum

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"mrrun/internal/ntt"
	"mrrun/mapreduce"
	"mrrun/shared"
)

// An array is what numbers, residues and tables of roots lie in.
type array = shared.Array[uint64]

// A Number is a long number that is not negative: limbs in base 10^15, see package decimal. It does
// not change.
type Number struct {
	memory *array // may be longer than the number
	len    int
}

// Limbs returns the limbs, the lowest first, which must not be changed. They are gone when the number
// is freed.
func (x *Number) Limbs() []uint64 { return x.memory.Slice()[:x.len] }

// limbs returns the limbs for a task.
func (x *Number) limbs() *array { return x.memory.Sub(0, x.len) }

// A Calculator multiplies numbers on the workers of a pool. It is safe for concurrent use.
type Calculator struct {
	pool     *mapreduce.Pool
	procs    int
	roots    *array // the table of each prime, one after the other
	maxShort int    // ntt.MaxShort; less in tests
	done     *atomic.Int64

	mu   sync.Mutex
	all  map[*array]bool
	free []*array
}

// New returns a Calculator for products of at most so many limbs. A product of n limbs takes up to
// 24n bytes of shared memory besides the factors, and the tables take 16n once. The Calculator adds
// to done what it has done, in units of [Cost].
func New(ctx context.Context, pool *mapreduce.Pool, limbs int, done *atomic.Int64) (*Calculator, error) {
	c := &Calculator{pool: pool, procs: max(1, len(pool.Workers())), maxShort: ntt.MaxShort, done: done, all: make(map[*array]bool)}
	if err := c.makeRoots(ctx, ntt.NewPlan(limbs, 1).Roots()); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// inUse is held for reading by each piece while it uses arrays. Workers that are goroutines have the
// arrays of this process, and their pieces go on when the call is over: Close waits for them.
var inUse sync.RWMutex

// Close frees all numbers. It waits for what goroutines compute, not for worker processes, whose memory
// is freed when they leave it. No product may be begun after it.
func (c *Calculator) Close() {
	inUse.Lock()
	defer inUse.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for a := range c.all {
		_ = a.Close() // its contents are not needed
	}
	c.all, c.free = nil, nil
}

// Cost returns about how much work a product of factors of a and b limbs is.
func Cost(a, b int) int64 { return int64(ntt.NewPlan(a, b).Len()) }

// Import returns a number with a copy of these limbs.
func (c *Calculator) Import(limbs []uint64) (*Number, error) {
	memory, err := c.take(len(limbs))
	if err != nil {
		return nil, err
	}
	return &Number{memory, copy(memory.Slice(), limbs)}, nil
}

// Free frees the memory of a number.
func (c *Calculator) Free(x *Number) { c.give(x.memory) }

// take returns an array of at least n elements, whose contents do not matter.
func (c *Calculator) take(n int) (*array, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		return nil, errors.New("take memory for a number: the calculator is closed")
	}
	n = max(n, 1)
	fits := func(a *array) bool { return n <= a.Len() && a.Len() <= 2*n }
	if i := slices.IndexFunc(c.free, fits); i >= 0 {
		a := c.free[i]
		c.free = slices.Delete(c.free, i, i+1)
		return a, nil
	}
	// Numbers grow: shorter ones will hardly be needed again.
	c.free = slices.DeleteFunc(c.free, func(a *array) bool {
		if a.Len() > n {
			return false
		}
		delete(c.all, a)
		_ = a.Close() // its contents are not needed
		return true
	})
	a, err := shared.NewArray[uint64](n)
	if err != nil {
		return nil, fmt.Errorf("take memory for a number of %d digits: %w", int64(n)*ntt.Digits, err)
	}
	c.all[a] = true
	return a, nil
}

// give takes back an array that no task uses any more.
func (c *Calculator) give(a *array) {
	c.mu.Lock()
	c.free = append(c.free, a)
	c.mu.Unlock()
}
