package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"mrrun/internal/cores"
	"mrrun/mapreduce/internal/proc"
)

// A Pool is a set of worker processes that run tasks. Its methods, and the verbs of tasks that use
// it, are safe for concurrent use; calls are served in the order in which they came.
//
// A worker that dies is replaced, and the item that it was running is tried again: see [Retries].
type Pool struct {
	supervisor *supervisor
	gate       gate
}

// NewPool starts a pool and returns when its first worker is ready; the others follow.
//
// ctx bounds the pool's life: when it ends, the workers are terminated and current calls return its
// cause. The caller must call Close at the end; a deferred Terminate handles an early return or a
// panic. The error is [ErrNotInitialized] if neither [Main] nor [Init] was called. It wraps
// [ErrNoHello] if no worker becomes ready, and is that of the initializer if one fails.
func NewPool(ctx context.Context, opts ...PoolOption) (*Pool, error) {
	if err := mayStart(ctx); err != nil {
		return nil, err
	}
	o, err := newPoolOptions(opts)
	if err != nil {
		return nil, err
	}
	if !o.inProcess {
		if err := o.checkThreads(); err != nil {
			return nil, err
		}
	}
	p := &Pool{supervisor: newSupervisor(ctx, o)}
	p.supervisor.start()
	if o.progress != nil {
		p.gate.callbacks.Go(p.supervisor.showProgress)
	}
	select {
	case <-p.supervisor.up:
		return p, nil
	case <-p.supervisor.done:
		return nil, p.supervisor.err
	}
}

// mayStart returns an error if this process may not start workers or processes.
func mayStart(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	if !entered.Load() || proc.Marked() {
		return ErrNotInitialized
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return checkDepth()
}

// maxProcs returns what GOMAXPROCS should be in each worker.
func (o *poolOptions) maxProcs() int { return max(1, cores.Usable()/o.procs) }

// Close waits for current calls, ends the workers and waits for them, and waits for callbacks of
// futures; after that all verbs return [ErrClosed]. If the pool's context ends meanwhile, Close
// does not wait for calls. It may be called again. It returns the error that ended the pool early,
// if one did: the cause of the context, or why workers could not be started. Otherwise it returns
// an error that says what was cut off after [ExitTimeout] when workers ended in good order.
//
// If Close is deferred and the function panics, Close terminates the pool, and the panic continues.
// At an early return it does wait for what was submitted and is not done: where that may take long,
// defer Terminate, and call Close at the end. If it is called from a callback of a future, an
// [Output] function, a [Logger], or the body of a loop over [Task.Imap] of the same pool, Close
// waits for itself. When it has waited for 5 seconds, it says so to [slog.Default].
func (p *Pool) Close() error {
	if p == nil || p.supervisor == nil {
		return errNoPool
	}
	if panicking := recover(); panicking != nil {
		p.Terminate()
		panic(panicking)
	}
	late := time.AfterFunc(closePatience, p.reportClose)
	defer late.Stop()
	p.gate.shut()
	p.gate.active.Wait()
	p.supervisor.closing(ErrClosed)
	<-p.supervisor.done
	p.gate.awaitCallbacks()
	return p.supervisor.err
}

// closePatience is how long Close waits before it logs a warning.
var closePatience = 5 * time.Second

// reportClose logs what Close waits for.
func (p *Pool) reportClose() {
	numbers := p.Stats()
	slog.Warn("mapreduce: Close waits for calls under way, which Terminate would end; or for itself, if it was called in a "+
		"callback or in a loop over Imap", "running", numbers.Running, "waiting", numbers.Waiting, "done", numbers.Done)
}

// Terminate ends the workers without waiting for current calls, which return an error that is
// [ErrClosed]. It may be called at any time and from anywhere, even in a callback or during Close,
// which then waits for no exit function. It waits until the workers have ended, but at most two
// seconds, since an [Output] function or a [Logger] that calls it keeps a worker from ending. It
// does not wait for callbacks; Close waits for all of this.
func (p *Pool) Terminate() {
	if p == nil || p.supervisor == nil {
		return
	}
	p.gate.shut()
	p.supervisor.cancel(errTerminated)
	limit := time.NewTimer(terminatePatience)
	defer limit.Stop()
	select {
	case <-p.supervisor.done:
	case <-limit.C:
	}
}

var terminatePatience = 2 * time.Second

// Resize changes the number of workers to n, 1 to [MaxProcs]. Surplus workers end when they have
// answered what they hold. Resize does not wait, and has no effect after Close.
func (p *Pool) Resize(n int) error {
	if n < 1 || n > MaxProcs {
		return fmt.Errorf("mapreduce: Resize(%d): must be from 1 to %d", n, MaxProcs)
	}
	p.supervisor.inbox.put(event{kind: evResize, n: n})
	return nil
}

// cancelCall and goCallback make a pool a source of futures.
func (p *Pool) cancelCall(c *call, cause error) { p.supervisor.cancelCall(c, cause) }
func (p *Pool) goCallback(f func())             { p.gate.goCallback(f) }

var errTerminated = fmt.Errorf("%w: it was terminated", ErrClosed)
