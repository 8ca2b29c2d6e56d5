package bench

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"mrrun/mapreduce/manager"
)

// These primitives use objects on a manager, which runs in a process of its own. They find an
// object by its name; the first process that needs it makes it. Each operation is a message to the
// manager and its answer.

func (o *objects) dict(ctx context.Context) (*manager.Dict[int, int], error) {
	return manager.NewDict[int, int](ctx, o.manager, manager.Named("dict"))
}

// list returns a list with a number for each process.
func (o *objects) list(ctx context.Context) (*manager.List[int], error) {
	return manager.NewList(ctx, o.manager, make([]int, o.Barrier.Parties()), manager.Named("list"))
}

func (o *objects) value(ctx context.Context) (*manager.Value[int], error) {
	return manager.NewValue(ctx, o.manager, 0, manager.Named("value"))
}

// event returns the event that process me waits for.
func (o *objects) event(ctx context.Context, me int) (*manager.Event, error) {
	return manager.NewEvent(ctx, o.manager, manager.Named(fmt.Sprint("event ", me)))
}

// queue returns a queue with room for all messages, as Python's queues have.
func queue[T any](ctx context.Context, o *objects) (*manager.Queue[T], error) {
	return manager.NewQueue[T](ctx, o.manager, math.MaxInt32, manager.Named("queue"))
}

func wrongNumber(what string, got, want int) error {
	return fmt.Errorf("%s is %d, not %d", what, got, want)
}

func useDict(ctx context.Context, o *objects, me, n int) error {
	d, err := o.dict(ctx)
	if err != nil {
		return err
	}
	for i := range n / 2 {
		if err := setAndGet(ctx, d, me, i); err != nil {
			return err
		}
	}
	return nil
}

// pipeline is how many calls of one client are under way at the same time.
const pipeline = 64

// useDictPipelined does what useDict does, but in many goroutines, each with a key of its own.
func useDictPipelined(ctx context.Context, o *objects, me, n int) error {
	d, err := o.dict(ctx)
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	for g := range pipeline {
		all.Go(func() error {
			for i := g; i < n/2; i += pipeline {
				if err := setAndGet(ctx, d, me*pipeline+g, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func setAndGet(ctx context.Context, d *manager.Dict[int, int], key, v int) error {
	if err := d.Set(ctx, key, v); err != nil {
		return err
	}
	got, found, err := d.Get(ctx, key)
	if err == nil && (got != v || !found) {
		err = wrongNumber(fmt.Sprint("key ", key), got, v)
	}
	return err
}

func useList(ctx context.Context, o *objects, me, n int) error {
	l, err := o.list(ctx)
	if err != nil {
		return err
	}
	for i := range n / 2 {
		if err := l.Set(ctx, me, i); err != nil {
			return err
		}
		got, err := l.Get(ctx, me)
		if err == nil && got != i {
			err = wrongNumber(fmt.Sprint("element ", me), got, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// useManagedValue does not check what it reads, as all processes set the same value.
func useManagedValue(ctx context.Context, o *objects, _, n int) error {
	v, err := o.value(ctx)
	if err != nil {
		return err
	}
	for i := range n / 2 {
		if err := v.Store(ctx, i); err != nil {
			return err
		}
		if _, err := v.Load(ctx); err != nil {
			return err
		}
	}
	return nil
}

func takeManagedEventTurns(ctx context.Context, o *objects, me, n int) error {
	mine, err := o.event(ctx, me)
	if err != nil {
		return err
	}
	other, err := o.event(ctx, 1-me)
	if err != nil {
		return err
	}
	if me == 0 { // the first turn
		if err := mine.Set(ctx); err != nil {
			return err
		}
	}
	for range n {
		if err := mine.Wait(ctx); err != nil {
			return err
		}
		if err := mine.Clear(ctx); err != nil {
			return err
		}
		if err := other.Set(ctx); err != nil {
			return err
		}
	}
	return nil
}

func putOrGetManaged(ctx context.Context, o *objects, me, n int) error {
	if o.size == 0 {
		return passOn(ctx, o, me, n, number, func(got int) bool { return got == number })
	}
	return passOn(ctx, o, me, n, o.item(), func(got []byte) bool { return len(got) == o.size })
}

func passOn[T any](ctx context.Context, o *objects, me, n int, item T, right func(T) bool) error {
	q, err := queue[T](ctx, o)
	if err != nil {
		return err
	}
	for range n {
		if me == 0 {
			if err := q.Put(ctx, item); err != nil {
				return err
			}
		} else if got, err := q.Get(ctx); err != nil || !right(got) {
			return wrong(err)
		}
	}
	return nil
}

// inspect returns what an object holds when all processes are done with it.
func inspect[O, V any](find func(context.Context) (O, error), read func(O, context.Context) (V, error)) (v V, err error) {
	found, err := find(context.Background())
	if err != nil {
		return v, err
	}
	return read(found, context.Background())
}

// keysAre checks a dict in which each process has set each of its keys in turn.
func keysAre(each int) func(*objects, int64) (string, bool) {
	return func(o *objects, times int64) (string, bool) {
		procs := o.Barrier.Parties()
		want := make(map[int]int)
		for me := range procs {
			for i := range int(times) / procs / 2 {
				want[me*each+i%each] = i
			}
		}
		got, err := inspect(o.dict, (*manager.Dict[int, int]).Items)
		if err != nil {
			return err.Error(), false
		}
		text, right := says("keys", len(got), len(want))
		return text, right && maps.Equal(got, want)
	}
}

// last returns the number that each process has set last: every other of its operations sets a
// number, from 0.
func last(times int64, procs int) int { return max(int(times)/procs/2-1, 0) }

func elementsAre(o *objects, times int64) (string, bool) {
	procs := o.Barrier.Parties()
	got, err := inspect(o.list, (*manager.List[int]).All)
	if err != nil {
		return err.Error(), false
	}
	text, right := says("len", len(got), procs)
	return text, right && slices.Equal(got, slices.Repeat([]int{last(times, procs)}, procs))
}

func managedValueIs(o *objects, times int64) (string, bool) {
	got, err := inspect(o.value, (*manager.Value[int]).Load)
	if err != nil {
		return err.Error(), false
	}
	return says("last", got, last(times, o.Barrier.Parties()))
}

func managedEventIs(o *objects, _ int64) (string, bool) {
	first := func(ctx context.Context) (*manager.Event, error) { return o.event(ctx, 0) }
	set, err := inspect(first, (*manager.Event).IsSet)
	if err != nil {
		return err.Error(), false
	}
	return says("token", set, true)
}

func managedEmpty(o *objects, _ int64) (string, bool) {
	if o.size == 0 {
		return emptyQueue[int](o)
	}
	return emptyQueue[[]byte](o)
}

func emptyQueue[T any](o *objects) (string, bool) {
	found := func(ctx context.Context) (*manager.Queue[T], error) { return queue[T](ctx, o) }
	left, err := inspect(found, (*manager.Queue[T]).Len)
	if err != nil {
		return err.Error(), false
	}
	return says("empty", left == 0, true)
}
