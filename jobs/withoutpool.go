package jobs

import (
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"mrrun/mapreduce"
)

// Ways to compute a job without a pool, for comparison, as [Running.Start]. A job that reduces by
// key uses a pool of goroutines for both.
const (
	Loop       = "loop"       // one piece after the other, in one goroutine
	Goroutines = "goroutines" // in [Running.Procs] goroutines
)

// HasLoop reports whether the job can do without a pool.
func (l *Line) HasLoop() bool {
	work, _, err := l.parse()
	if c, ok := work.(*choice); ok && err == nil {
		work = c.work()
	}
	_, ok := work.(interface{ plainly() })
	return err == nil && ok
}

func (*folded[In, Out]) plainly() {}

// loop computes the pieces one after the other.
func loop[In, Out any](ctx context.Context, task *mapreduce.Task[In, Out], pieces iter.Seq[In]) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		for piece := range pieces {
			out, err := task.Call(ctx, piece)
			if err == nil {
				err = context.Cause(ctx)
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// inGoroutines computes pieces in n goroutines and yields the results in input order.
func inGoroutines[In, Out any](ctx context.Context, n int, task *mapreduce.Task[In, Out], pieces iter.Seq[In]) iter.Seq2[Out, error] {
	type answer struct {
		out Out
		err error
	}
	type item struct {
		piece In
		done  chan answer
	}
	return func(yield func(Out, error) bool) {
		work, order := make(chan item), make(chan item, 4*n)
		group, ctx := errgroup.WithContext(ctx)
		defer func() { _ = group.Wait() }() // its error was yielded
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		group.Go(func() error {
			defer close(order)
			defer close(work)
			for piece := range pieces {
				i := item{piece, make(chan answer, 1)}
				for _, to := range []chan item{order, work} {
					select {
					case to <- i:
					case <-ctx.Done():
						return nil
					}
				}
			}
			return nil
		})
		for range n {
			group.Go(func() error {
				for i := range work {
					out, err := task.Call(ctx, i.piece)
					i.done <- answer{out, err}
				}
				return nil
			})
		}
		for i := range order {
			select {
			case a := <-i.done:
				if !yield(a.out, a.err) {
					return
				}
			case <-ctx.Done():
				yield(*new(Out), context.Cause(ctx))
				return
			}
		}
		if err := context.Cause(ctx); err != nil { // the input was cut off
			yield(*new(Out), err)
		}
	}
}
