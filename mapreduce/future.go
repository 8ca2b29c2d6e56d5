package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"sync"
)

// A Future is a result that is being computed, by a pool or by a goroutine of [Go]. Its methods are safe for concurrent
// use, and go on working after [Pool.Close], which waits for all futures of the pool.
type Future[R any] struct {
	from source
	done chan struct{}
	stop func() // ends the watch over the caller's context

	mu        sync.Mutex
	call      *call
	callbacks []func(R, error) // not called yet
	calling   bool             // a goroutine calls them
	result    R                // these two are readable after done
	err       error
}

// A source computes the results of futures: a [Pool], or a [goroutine].
type source interface {
	cancelCall(c *call, cause error) // it does not wait
	goCallback(f func())
}

// A goroutine computes one result, and has no calls.
type goroutine struct{ cancel context.CancelCauseFunc }

func (g goroutine) cancelCall(_ *call, cause error) { g.cancel(cause) }
func (goroutine) goCallback(f func())               { go f() }

// Go runs f in a goroutine of this process and returns the future of its result, to be waited for together with those of
// pools. The context of f ends with ctx, and by [Future.Cancel] with the cause [ErrCanceled]; the future is ready when f has
// returned, with what it returned. Nothing but [Future.Get] and [Future.Done] waits for f, and nothing for callbacks.
func Go[R any](ctx context.Context, f func(ctx context.Context) (R, error)) *Future[R] {
	ctx, cancel := context.WithCancelCause(ctx)
	future := &Future[R]{from: goroutine{cancel}, done: make(chan struct{})}
	go func() {
		defer cancel(nil)
		result, err := f(ctx)
		future.complete(nil, func() (R, error) { return result, err })
	}()
	return future
}

// ErrCanceled is the error of a [Future] after [Future.Cancel]. [errors.Is] finds [context.Canceled] in it.
var ErrCanceled = fmt.Errorf("mapreduce: %w by Cancel", context.Canceled)

// async submits c and returns the future of what result returns when it is over.
func async[R any](ctx context.Context, p *Pool, c *call, result func() (R, error)) *Future[R] {
	f := &Future[R]{from: p, done: make(chan struct{}), call: c}
	if err := p.enter(ctx); err != nil {
		f.fail(err)
		return f
	}
	c.onEnd = func(cause error) {
		f.complete(cause, result)
		p.active.Done()
	}
	if err := p.begin(c); err != nil {
		c.end(err)
	} else if ctx.Done() != nil {
		f.watch(ctx)
	}
	return f
}

// failedFuture returns a future that has failed already.
func failedFuture[R any](p *Pool, err error) *Future[R] {
	f := &Future[R]{from: p, done: make(chan struct{})}
	f.fail(err)
	return f
}

func (f *Future[R]) fail(err error) {
	f.err = err
	close(f.done)
}

// watch cancels the call when ctx ends first.
func (f *Future[R]) watch(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { f.from.cancelCall(f.call, context.Cause(ctx)) })
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Ready() {
		stop()
	} else {
		f.stop = func() { stop() }
	}
}

// complete is called once, when the call is over.
func (f *Future[R]) complete(cause error, result func() (R, error)) {
	f.mu.Lock()
	if cause != nil {
		f.err = cause
	} else {
		f.result, f.err = result()
	}
	stop := f.stop
	f.stop = nil
	close(f.done)
	f.callBackAll()
	f.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// Get waits for the result. If ctx ends first, its cause is returned, and the work goes on; see [Future.Cancel].
func (f *Future[R]) Get(ctx context.Context) (R, error) {
	select {
	case <-f.done:
		return f.result, f.err
	default:
	}
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		var zero R
		return zero, context.Cause(ctx)
	}
}

// Done returns a channel that is closed when the result or an error is there; use it in a select.
func (f *Future[R]) Done() <-chan struct{} { return f.done }

// Ready reports whether Get would not block.
func (f *Future[R]) Ready() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Err returns the error that the work ended with; nil while it runs. It does not block.
func (f *Future[R]) Err() error {
	if !f.Ready() {
		return nil
	}
	return f.err
}

// Cancel gives the work up: what has not begun never will, and what runs has its context ended and, if it does not end
// within [KillGrace], its worker killed and replaced. Nothing else is disturbed. The future fails with [ErrCanceled],
// unless it was ready before. It does not block.
func (f *Future[R]) Cancel() {
	if !f.Ready() {
		f.from.cancelCall(f.call, ErrCanceled)
	}
}

// OnDone has callback called with the result and the error when they are there, at once if they are. Callbacks of one
// future run one after the other, in a goroutine that [Pool.Close] waits for. One that panics is reported to [slog.Default];
// the others run.
// A callback must not call Close of the pool, which would wait for itself. OnDone does not block.
func (f *Future[R]) OnDone(callback func(R, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.callbacks = append(f.callbacks, callback)
	if f.Ready() {
		f.callBackAll()
	}
}

// callBackAll has all callbacks called that wait, unless that is under way. mu is held.
func (f *Future[R]) callBackAll() {
	if f.calling || len(f.callbacks) == 0 {
		return
	}
	f.calling = true
	f.from.goCallback(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for len(f.callbacks) > 0 {
			next := f.callbacks[0]
			f.callbacks = f.callbacks[1:]
			f.mu.Unlock()
			f.callBack(next)
			f.mu.Lock()
		}
		f.calling = false
	})
}

func (f *Future[R]) callBack(callback func(R, error)) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("mapreduce: a callback panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	callback(f.result, f.err)
}

// A Pending is something that one can wait for: a [Future] of any type. To wait for futures of several types at once, give
// the type argument: WaitAll[Pending](ctx, a, b).
type Pending interface {
	// Done returns a channel that is closed at the end.
	Done() <-chan struct{}
	// Err returns the error at the end, nil before.
	Err() error
}

// AsCompleted yields the futures with their indexes as they get ready, each once; those that are ready already come first,
// in any order. If ctx ends first, the iteration ends early.
func AsCompleted[F Pending](ctx context.Context, futures ...F) iter.Seq2[int, F] {
	return func(yield func(int, F) bool) {
		for i := range inOrderOfEnd(ctx, futures) {
			if !yield(i, futures[i]) {
				return
			}
		}
	}
}

// inOrderOfEnd yields the indexes of waiters as they get ready.
func inOrderOfEnd[W Waiter](ctx context.Context, waiters []W) iter.Seq[int] {
	return func(yield func(int) bool) {
		ended := make(chan int, len(waiters))
		quit := make(chan struct{})
		var watchers sync.WaitGroup
		defer watchers.Wait()
		defer close(quit)
		for i, w := range waiters {
			watchers.Go(func() {
				select {
				case <-w.Done():
					ended <- i
				case <-quit:
				}
			})
		}
		for range waiters {
			select {
			case i := <-ended:
				if !yield(i) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// WaitAll waits for all futures and returns their errors, joined. If ctx ends first, it returns its cause.
func WaitAll[F Pending](ctx context.Context, futures ...F) error {
	var errs []error
	for _, f := range futures {
		select {
		case <-f.Done():
			errs = append(errs, f.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return errors.Join(errs...)
}

// WaitFirst waits until one of the futures is ready, failed or not, and returns its index. If ctx ends first, it returns -1
// and its cause; of no futures, -1 and nil.
func WaitFirst[F Pending](ctx context.Context, futures ...F) (int, error) {
	for i := range inOrderOfEnd(ctx, futures) {
		return i, nil
	}
	return -1, context.Cause(ctx)
}

// WaitFirstError waits until one of the futures has failed and returns its index and error, or -1 and nil when all have
// succeeded. If ctx ends first, it returns -1 and its cause.
func WaitFirstError[F Pending](ctx context.Context, futures ...F) (int, error) {
	for i := range inOrderOfEnd(ctx, futures) {
		if err := futures[i].Err(); err != nil {
			return i, err
		}
	}
	return -1, context.Cause(ctx)
}
