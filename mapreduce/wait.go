package mapreduce

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"sync"
)

// A Pending is something to wait for: a [Future] or a [Process] of any type. To wait for several
// types at once, give the type argument: WaitAll[Pending](ctx, a, b).
type Pending interface {
	// Done returns a channel that is closed at the end.
	Done() <-chan struct{}
	// Err returns the error after the end; nil before it.
	Err() error
}

// AsCompleted yields the futures with their indexes as they become ready, each once, first those
// that are already ready. When ctx ends, it yields the futures that are ready by then, and the
// iteration ends.
func AsCompleted[F Pending](ctx context.Context, futures ...F) iter.Seq2[int, F] {
	return func(yield func(int, F) bool) {
		for i := range inOrderOfEnd(ctx, futures) {
			if !yield(i, futures[i]) {
				return
			}
		}
	}
}

// inOrderOfEnd yields the indexes of waiters as they become ready, including all that are ready
// when ctx ends.
func inOrderOfEnd[W Waiter](ctx context.Context, waiters []W) iter.Seq[int] {
	return func(yield func(int) bool) {
		yielded := make([]bool, len(waiters))
		yieldReady := func() (goOn bool) {
			for _, i := range readyOf(waiters) {
				if !yielded[i] {
					yielded[i] = true
					if !yield(i) {
						return false
					}
				}
			}
			return true
		}
		if !yieldReady() {
			return
		}
		ended := make(chan int, len(waiters))
		quit := make(chan struct{})
		var watchers sync.WaitGroup
		defer watchers.Wait()
		defer close(quit)
		left := 0
		for i, w := range waiters {
			if yielded[i] {
				continue
			}
			left++
			watchers.Go(func() {
				select {
				case <-w.Done():
					ended <- i
				case <-quit:
				}
			})
		}
		for range left {
			select {
			case i := <-ended:
				yielded[i] = true
				if !yield(i) {
					return
				}
			case <-ctx.Done():
				yieldReady()
				return
			}
		}
	}
}

// WaitAll waits for all futures and returns their errors, joined; a future that is given twice
// counts once. If ctx ends first, the cause of ctx follows the errors of the futures that are
// ready.
func WaitAll[F Pending](ctx context.Context, futures ...F) error {
	var errs []error
	seen := make(map[any]bool, len(futures))
	all := true
	for _, f := range futures {
		if reflect.ValueOf(f).Comparable() {
			if seen[f] {
				continue
			}
			seen[f] = true
		}
		if !wait(ctx, f) {
			all = false
		} else if err := f.Err(); err != nil {
			errs = append(errs, err)
		}
	}
	if all {
		return errors.Join(errs...)
	}
	if len(errs) == 0 {
		return context.Cause(ctx)
	}
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// wait waits for w, and reports whether it became ready before ctx ended.
func wait[W Waiter](ctx context.Context, w W) bool {
	select {
	case <-w.Done():
		return true
	default:
	}
	select {
	case <-w.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// WaitFirst waits until one of the futures is ready, failed or not, and returns its index. If ctx
// ends first, WaitFirst returns -1 and the cause. Without futures, it returns -1 and nil.
func WaitFirst[F Pending](ctx context.Context, futures ...F) (int, error) {
	for i := range inOrderOfEnd(ctx, futures) {
		return i, nil
	}
	if len(futures) == 0 {
		return -1, nil
	}
	return -1, context.Cause(ctx)
}

// WaitFirstError waits until one of the futures has failed and returns its index and error, or -1
// and nil when all have succeeded. If ctx ends before that, it returns -1 and the cause.
func WaitFirstError[F Pending](ctx context.Context, futures ...F) (int, error) {
	ready := 0
	for i := range inOrderOfEnd(ctx, futures) {
		if err := futures[i].Err(); err != nil {
			return i, err
		}
		ready++
	}
	if ready == len(futures) {
		return -1, nil
	}
	return -1, context.Cause(ctx)
}

// A Waiter is something to wait for: a [Process] or a [Future] of any type, or the arrival of a
// value at the end of a pipe, which its method Arrival returns. To wait for several types at once,
// give the type argument: WaitAny[Waiter](ctx, a, b).
type Waiter interface {
	// Done returns a channel that is closed when there is nothing left to wait for.
	Done() <-chan struct{}
}

// WaitAny waits until at least one of the waiters is ready and returns the indexes of all that are
// ready, in ascending order, like Python's connection.wait. If ctx ends first, it returns the
// cause. Without waiters, it returns nil and nil.
func WaitAny[W Waiter](ctx context.Context, waiters ...W) ([]int, error) {
	ready := readyOf(waiters)
	if len(ready) > 0 || len(waiters) == 0 {
		return ready, nil
	}
	for range inOrderOfEnd(ctx, waiters) {
		return readyOf(waiters), nil
	}
	return nil, context.Cause(ctx)
}

// readyOf returns the indexes of the waiters that are ready now.
func readyOf[W Waiter](waiters []W) (ready []int) {
	for i, w := range waiters {
		select {
		case <-w.Done():
			ready = append(ready, i)
		default:
		}
	}
	return ready
}
