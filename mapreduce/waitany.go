package mapreduce

import "context"

// A Waiter is something that one can wait for: a [Process] or a [Future] of any type, or what arrives at the end of a pipe, by
// its method Arrival. To wait for several types at once, give the type argument: WaitAny[Waiter](ctx, a, b).
type Waiter interface {
	// Done returns a channel that is closed when there is nothing to wait for any more.
	Done() <-chan struct{}
}

// WaitAny waits until at least one of the waiters is ready and returns the indexes of all that are, in ascending order, as
// Python's connection.wait. If ctx ends first, it returns its cause; of no waiters, nil and nil.
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

// readyOf returns the indexes of those that are ready now.
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
