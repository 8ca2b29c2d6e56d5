package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"mrrun/mapreduce/manager"
)

// managed are objects of a manager, in a process of its own: each operation is a message to it and its answer.
type managed struct {
	Dict    *manager.Dict[int, int]
	List    *manager.List[int] // a number for each process
	Value   *manager.Value[int]
	Event0  *manager.Event // set
	Event1  *manager.Event
	Numbers *manager.Queue[int]
	Bytes   *manager.Queue[[]byte]
}

// newManaged starts a manager and makes all objects, as the beginning of a run finds them; there is room for count messages.
func newManaged(ctx context.Context, procs, count int) (o managed, closeAll func(), err error) {
	m := &maker{}
	server := made(m, func() (*manager.Manager, error) { return manager.Start(ctx) })
	o.Dict = made(m, func() (*manager.Dict[int, int], error) { return manager.NewDict[int, int](ctx, server) })
	o.List = made(m, func() (*manager.List[int], error) { return manager.NewList(ctx, server, make([]int, procs)) })
	o.Value = made(m, func() (*manager.Value[int], error) { return manager.NewValue(ctx, server, 0) })
	o.Event0 = made(m, func() (*manager.Event, error) { return manager.NewEvent(ctx, server) })
	o.Event1 = made(m, func() (*manager.Event, error) { return manager.NewEvent(ctx, server) })
	o.Numbers = made(m, func() (*manager.Queue[int], error) { return manager.NewQueue[int](ctx, server, count) })
	o.Bytes = made(m, func() (*manager.Queue[[]byte], error) { return manager.NewQueue[[]byte](ctx, server, count) })
	if m.err == nil {
		m.err = o.Event0.Set(ctx)
	}
	if m.err != nil {
		m.close()
		return managed{}, nil, m.err
	}
	return o, m.close, nil
}

// last is what each process has set last: every other of its operations sets a number, from 0.
func last(times int64, procs int) int { return max(int(times)/procs/2-1, 0) }

func wrongNumber(what string, got, want int) error {
	return fmt.Errorf("%s is %d, not %d", what, got, want)
}

func setAndGet(ctx context.Context, d *manager.Dict[int, int], key, v int) error {
	if err := d.Set(ctx, key, v); err != nil {
		return err
	}
	got, found, err := d.Get(ctx, key)
	if err == nil && (got != v || !found) {
		err = wrongNumber(fmt.Sprintf("key %d", key), got, v)
	}
	return err
}

func useDict(ctx context.Context, o *objects, me, n int) error {
	for i := range n / 2 {
		if err := setAndGet(ctx, o.Managed.Dict, me, i); err != nil {
			return err
		}
	}
	return nil
}

// pipeline is how many calls of one client are under way together.
const pipeline = 64

// useDictPipelined does what useDict does in many goroutines, each with a key of its own.
func useDictPipelined(ctx context.Context, o *objects, me, n int) error {
	all, ctx := errgroup.WithContext(ctx)
	for g := range pipeline {
		all.Go(func() error {
			for i := g; i < n/2; i += pipeline {
				if err := setAndGet(ctx, o.Managed.Dict, me*pipeline+g, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func useList(ctx context.Context, o *objects, me, n int) error {
	for i := range n / 2 {
		if err := o.Managed.List.Set(ctx, me, i); err != nil {
			return err
		}
		got, err := o.Managed.List.Get(ctx, me)
		if err == nil && got != i {
			err = wrongNumber(fmt.Sprintf("element %d", me), got, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// useManagedValue cannot compare: all processes set the same value.
func useManagedValue(ctx context.Context, o *objects, _, n int) error {
	for i := range n / 2 {
		if err := o.Managed.Value.Store(ctx, i); err != nil {
			return err
		}
		if _, err := o.Managed.Value.Load(ctx); err != nil {
			return err
		}
	}
	return nil
}

func takeManagedEventTurns(ctx context.Context, o *objects, me, n int) error {
	mine, other := o.Managed.Event0, o.Managed.Event1
	if me == 1 {
		mine, other = other, mine
	}
	for range n {
		err := mine.Wait(ctx)
		if err == nil {
			err = mine.Clear(ctx)
		}
		if err == nil {
			err = other.Set(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func putOrGetManaged(ctx context.Context, o *objects, me, n int) error {
	if o.size == 0 {
		return passOn(ctx, o.Managed.Numbers, me, n, number, func(got int) bool { return got == number })
	}
	item := o.item()
	return passOn(ctx, o.Managed.Bytes, me, n, item, func(got []byte) bool { return len(got) == len(item) })
}

func passOn[T any](ctx context.Context, q *manager.Queue[T], me, n int, item T, right func(T) bool) error {
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
		got, err := o.Managed.Dict.Items(context.Background())
		if err != nil {
			return err.Error(), false
		}
		text, right := says("keys", len(got), len(want))
		return text, right && maps.Equal(got, want)
	}
}

func elementsAre(o *objects, times int64) (string, bool) {
	procs := o.Barrier.Parties()
	got, err := o.Managed.List.All(context.Background())
	if err != nil {
		return err.Error(), false
	}
	text, right := says("len", len(got), procs)
	return text, right && slices.Equal(got, slices.Repeat([]int{last(times, procs)}, procs))
}

func valueIs(o *objects, times int64) (string, bool) {
	got, err := o.Managed.Value.Load(context.Background())
	if err != nil {
		return err.Error(), false
	}
	return says("last", got, last(times, o.Barrier.Parties()))
}

func managedEventIs(o *objects, _ int64) (string, bool) {
	set, err := o.Managed.Event0.IsSet(context.Background())
	if err != nil {
		return err.Error(), false
	}
	return says("token", set, true)
}

func managedEmpty(o *objects, _ int64) (string, bool) {
	numbers, err := o.Managed.Numbers.Len(context.Background())
	blobs, err2 := o.Managed.Bytes.Len(context.Background())
	if err := errors.Join(err, err2); err != nil {
		return err.Error(), false
	}
	return says("empty", numbers+blobs == 0, true)
}
