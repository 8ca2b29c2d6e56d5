package manager

import (
	"context"
	"sync"
	"testing"

	"mrrun/shared"
)

// A number is what [shared.Value] and [Value] have in common; the methods of shared.Value get a ctx
// and an error here.
type number interface {
	Load(ctx context.Context) (int64, error)
	Store(ctx context.Context, v int64) error
	Swap(ctx context.Context, v int64) (int64, error)
	Add(ctx context.Context, n int64) (int64, error)
	CompareAndSwap(ctx context.Context, old, v int64) (bool, error)
}

type treeValue struct{ v *shared.Value[int64] }

func (t treeValue) Load(context.Context) (int64, error)            { return t.v.Load(), nil }
func (t treeValue) Store(_ context.Context, v int64) error         { t.v.Store(v); return nil }
func (t treeValue) Swap(_ context.Context, v int64) (int64, error) { return t.v.Swap(v), nil }
func (t treeValue) Add(_ context.Context, n int64) (int64, error)  { return t.v.Add(n), nil }
func (t treeValue) CompareAndSwap(_ context.Context, old, v int64) (bool, error) {
	return t.v.CompareAndSwap(old, v), nil
}

// numbers is what [shared.Array] and [Array] have in common.
type numbers interface {
	At(ctx context.Context, i int) (float64, error)
	Set(ctx context.Context, i int, v float64) error
	Len(ctx context.Context) (int, error)
}

type treeArray struct{ a *shared.Array[float64] }

func (t treeArray) At(_ context.Context, i int) (float64, error)  { return t.a.At(i), nil }
func (t treeArray) Set(_ context.Context, i int, v float64) error { t.a.Set(i, v); return nil }
func (t treeArray) Len(context.Context) (int, error)              { return t.a.Len(), nil }

// TestValuesAreAlike runs one table of tests against the values and arrays of package shared and
// those of a manager.
func TestValuesAreAlike(t *testing.T) {
	ctx := within(t)
	c := serve(t)()
	value, array := must1(shared.NewValue[int64](3)), must1(shared.NewArray[float64](4))
	defer value.Close()
	defer array.Close()
	for name, kind := range map[string]struct {
		number  number  // 3
		numbers numbers // 4
	}{
		"shared":  {treeValue{value}, treeArray{array}},
		"manager": {must1(NewValue[int64](ctx, c, 3)), must1(NewArray[float64](ctx, c, 4))},
	} {
		t.Run(name, func(t *testing.T) {
			testNumber(ctx, t, kind.number)
			testNumbers(ctx, t, kind.numbers)
		})
	}
}

func testNumber(ctx context.Context, t *testing.T, n number) {
	equal(t, "load", must1(n.Load(ctx)), 3)
	check(t, n.Store(ctx, -1<<63))
	equal(t, "swap", must1(n.Swap(ctx, 1<<63-1)), -1<<63)
	equal(t, "add overflows", must1(n.Add(ctx, 1)), -1<<63)
	equal(t, "cas", must1(n.CompareAndSwap(ctx, 0, 1)), false)
	equal(t, "cas", must1(n.CompareAndSwap(ctx, -1<<63, 0)), true)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, err := n.Add(ctx, 2); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	equal(t, "sum", must1(n.Load(ctx)), 800)
}

func testNumbers(ctx context.Context, t *testing.T, a numbers) {
	equal(t, "len", must1(a.Len(ctx)), 4)
	check(t, a.Set(ctx, 3, 0.5))
	equal(t, "set", must1(a.At(ctx, 3)), 0.5)
	equal(t, "not set", must1(a.At(ctx, 0)), 0)
}
