package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A Future is a result that is being computed, by a pool or by a goroutine of [Go]. Its methods are
// safe for concurrent use, and keep working after [Pool.Close], which waits for all futures of the
// pool.
type Future[R any] struct {
	from source
	done chan struct{}
	stop func() // stops watching the caller's context

	mu        sync.Mutex
	call      *call
	callbacks []func(R, error) // not yet called
	calling   bool             // a goroutine is calling them
	result    R                // result and err are set before done is closed
	err       error
}

// A source computes the results of futures: a [Pool], or a [goroutine].
type source interface {
	cancelCall(c *call, cause error) // does not wait
	goCallback(f func())
}

// A goroutine computes one result, and has no calls.
type goroutine struct{ cancel context.CancelCauseFunc }

func (g goroutine) cancelCall(_ *call, cause error) { g.cancel(cause) }
func (goroutine) goCallback(f func())               { go f() }

// Go runs f in a goroutine of this process and returns the future of its result, which can be
// waited for together with those of pools. The context of f ends with ctx, and by [Future.Cancel]
// with the cause [ErrCanceled]. The future is ready when f has returned, with what f returned. If f
// panics, the future's error is a [TaskError] with the stack; if f calls [runtime.Goexit], as
// t.FailNow does, the error says so. Only [Future.Get] and [Future.Done] wait for f, and nothing
// waits for callbacks.
func Go[R any](ctx context.Context, f func(ctx context.Context) (R, error)) *Future[R] {
	ctx, cancel := context.WithCancelCause(ctx)
	future := &Future[R]{from: goroutine{cancel}, done: make(chan struct{})}
	go func() {
		defer cancel(nil)
		var result R
		err := errGoexit
		defer func() {
			if p := recover(); p != nil {
				err = failureOf(p)
			}
			future.complete(nil, func() (R, error) { return result, err })
		}()
		result, err = f(ctx)
	}()
	return future
}

// failureOf returns the failure of a function of this process that panicked with p.
func failureOf(p any) *TaskError {
	panicked := newPanicError(p)
	e := &TaskError{Msg: panicked.Error(), Stack: panicked.stack}
	if err, ok := p.(error); ok {
		e.is = append(e.is, err)
	}
	return e
}

// ErrCanceled is the error of a [Future] after [Future.Cancel]. [errors.Is] finds
// [context.Canceled] in it.
var ErrCanceled = fmt.Errorf("mapreduce: %w by Cancel", context.Canceled)

// async submits c and returns a future, which returns what result returns when c is over.
func async[R any](ctx context.Context, p *Pool, c *call, result func() (R, error)) *Future[R] {
	f := &Future[R]{from: p, done: make(chan struct{}), call: c}
	if err := p.enter(ctx); err != nil {
		f.fail(err)
		return f
	}
	c.onEnd = func(cause error) {
		f.complete(cause, result)
		p.gate.leave()
	}
	if err := p.supervisor.begin(ctx, c); err != nil {
		c.end(err)
	} else if ctx.Done() != nil {
		f.watch(ctx)
	}
	return f
}

// failedFuture returns a future that has already failed.
func failedFuture[R any](p *Pool, err error) *Future[R] {
	f := &Future[R]{done: make(chan struct{})}
	if p != nil {
		f.from = p
	}
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

// complete makes the future ready. It is called once, when the call is over.
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

// Get waits for the result. If ctx ends first, Get returns its cause, and the work continues; see
// [Future.Cancel].
func (f *Future[R]) Get(ctx context.Context) (R, error) {
	if !wait(ctx, f) {
		var zero R
		return zero, context.Cause(ctx)
	}
	return f.result, f.Err()
}

// Done returns a channel that is closed when the result or an error is available.
func (f *Future[R]) Done() <-chan struct{} {
	if f.done == nil {
		return ended
	}
	return f.done
}

// ended is the Done channel of a zero Future.
var ended = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

var errNoFuture = errors.New("mapreduce: a zero Future has no result: futures come from ApplyAsync, MapAsync and Go")

// Ready reports whether Get would not block.
func (f *Future[R]) Ready() bool {
	select {
	case <-f.Done():
		return true
	default:
		return false
	}
}

// Err returns the error with which the work ended; nil while it runs. It does not block.
func (f *Future[R]) Err() error {
	if f.done == nil {
		return errNoFuture
	}
	if !f.Ready() {
		return nil
	}
	return f.err
}

// Cancel gives up the work: items that have not begun never will, and the contexts of running items
// end. If an item does not return within [KillGrace], its worker is killed and replaced. Nothing
// else is disturbed. The future fails with [ErrCanceled], unless it was ready before. Cancel does
// not block.
func (f *Future[R]) Cancel() {
	if !f.Ready() {
		f.from.cancelCall(f.call, ErrCanceled)
	}
}

// OnDone arranges that callback is called with the result and the error when they are available, at
// once if they already are. Callbacks of one future run one after the other, and [Pool.Close] waits
// for them. A callback that panics, or calls [runtime.Goexit], is reported to [slog.Default]; the
// others still run. A callback may call [Pool.Terminate] of its pool, but not Close, which would
// wait for itself. OnDone does not block.
func (f *Future[R]) OnDone(callback func(R, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.callbacks = append(f.callbacks, callback)
	if f.Ready() {
		f.callBackAll()
	}
}

// callBackAll calls all waiting callbacks in a new goroutine, unless one is already calling them.
// The caller must hold mu.
func (f *Future[R]) callBackAll() {
	if f.calling || len(f.callbacks) == 0 {
		return
	}
	f.calling = true
	from := f.from
	if from == nil {
		from = goroutine{}
	}
	from.goCallback(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for len(f.callbacks) > 0 {
			next := f.callbacks[0]
			f.callbacks = f.callbacks[1:]
			f.mu.Unlock()
			callBack(func() { next(f.result, f.Err()) })
			f.mu.Lock()
		}
		f.calling = false
	})
}
