package mapreduce

import (
	"context"
)

// Apply computes the task for one argument in one of the pool's workers and returns the result. It
// blocks until the result is available. The error is the [TaskError] if the task fails, and
// otherwise as for [Task.Map].
func (t *Task[A, R]) Apply(ctx context.Context, p *Pool, arg A, opts ...CallOption) (R, error) {
	var zero R
	m, c, err := t.one(p, arg, opts)
	if err != nil {
		return zero, err
	}
	if err := p.enter(ctx); err != nil {
		return zero, err
	}
	defer p.gate.leave()
	if err := p.supervisor.run(ctx, c); err != nil {
		return zero, err
	}
	return m.one()
}

// ApplyAsync is like [Task.Apply] but does not wait; the future returns all errors. If ctx ends
// before the result is available, the work is given up.
func (t *Task[A, R]) ApplyAsync(ctx context.Context, p *Pool, arg A, opts ...CallOption) *Future[R] {
	m, c, err := t.one(p, arg, opts)
	if err != nil {
		return failedFuture[R](p, err)
	}
	return async(ctx, p, c, m.one)
}

// one makes a call of one item.
func (t *Task[A, R]) one(p *Pool, arg A, opts []CallOption) (*mapItems[A, R], *call, error) {
	o, err := p.callOptions(t.entryOf(), opts)
	if err != nil {
		return nil, nil, err
	}
	m := newMapItems(t, []A{arg}, o)
	return m, newCall(t.entry, nil, m, 1, o), nil
}

// one returns the result of the only item.
func (m *mapItems[A, R]) one() (R, error) {
	if len(m.failed) > 0 {
		return m.results[0], m.failed[0]
	}
	return m.results[0], nil
}

// MapAsync is like [Task.Map] but does not wait; the future returns all errors. If ctx ends before
// all results are available, the work is given up. The caller must not change args before the
// future is ready.
func (t *Task[A, R]) MapAsync(ctx context.Context, p *Pool, args []A, opts ...CallOption) *Future[[]R] {
	o, err := p.callOptions(t.entryOf(), opts)
	if err != nil {
		return failedFuture[[]R](p, err)
	}
	m := newMapItems(t, args, o)
	return async(ctx, p, newCall(t.entry, nil, m, len(args), o), func() ([]R, error) { return m.results, m.failures() })
}

// A Pair holds the two arguments of a task made by [Func2].
type Pair[A, B any] struct {
	A A
	B B
}

// Func2 is [Func] for a function of two arguments. Its arguments are made by [Zip], as for Python's
// starmap. For more arguments, or for names, use a struct.
func Func2[A, B, R any](f func(A, B) R, opts ...TaskOption) *Task[Pair[A, B], R] {
	t := newTask[Pair[A, B], R](named(funcName(f), opts), nil)
	t.plain = func(p Pair[A, B]) R { return f(p.A, p.B) }
	return t
}

// Zip pairs the elements of two slices, up to the length of the shorter one.
func Zip[A, B any](as []A, bs []B) []Pair[A, B] {
	pairs := make([]Pair[A, B], min(len(as), len(bs)))
	for i := range pairs {
		pairs[i] = Pair[A, B]{as[i], bs[i]}
	}
	return pairs
}
