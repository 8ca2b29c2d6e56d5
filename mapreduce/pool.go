package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/internal/cores"
	"mrrun/mapreduce/internal/proc"
)

// A Pool is a set of worker processes that run tasks. Its methods, and the verbs of tasks that use
// it, are safe for concurrent use; calls are served in the order in which they came.
//
// A worker that dies is replaced, and the item that it was running is tried again: see [Retries].
type Pool struct {
	host
	supervisor
	cancel  context.CancelCauseFunc // ends life
	closing context.CancelCauseFunc // ends ctx

	mu       sync.Mutex // guards the following, and begin against Close
	closed   bool       // no verb may enter any more
	deaf     bool       // Close waits for callbacks, or has, and can wait for no more
	ended    error      // why no call may begin any more; nil: calls may
	links    []*link    // by slot; only the supervisor writes it
	lastID   int        // ID of the last worker started
	lastCall atomic.Uint32

	active    sync.WaitGroup // verbs that have entered
	callbacks sync.WaitGroup // of futures
	cutOff    []error        // errors of workers that took too long to end
	ending    sync.WaitGroup // workers without a slot that have not ended yet

	up     chan struct{} // closed when the first worker is ready
	upOnce sync.Once
	final  chan struct{} // closed when the numbers are final; workers may still be ending
	done   chan struct{} // closed when no worker is left
	err    error         // why the pool failed; set before done is closed
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
	p := &Pool{
		host: newHost(o), links: make([]*link, o.procs),
		up: make(chan struct{}), final: make(chan struct{}), done: make(chan struct{}),
	}
	p.supervisor.init(p)
	p.life, p.cancel = context.WithCancelCause(ctx)
	p.ctx, p.closing = context.WithCancelCause(p.life)
	p.working.Lock()
	for slot := range p.links {
		p.fill(slot)
	}
	p.working.Unlock()
	go p.supervise()
	if o.progress != nil {
		p.callbacks.Go(p.showProgress)
	}
	select {
	case <-p.up:
		return p, nil
	case <-p.done:
		return nil, p.err
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
	if p == nil || p.ctx == nil {
		return errNoPool
	}
	if panicking := recover(); panicking != nil {
		p.Terminate()
		panic(panicking)
	}
	late := time.AfterFunc(closePatience, p.reportClose)
	defer late.Stop()
	p.shut()
	p.active.Wait()
	p.closing(ErrClosed)
	<-p.done
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
	p.callbacks.Wait()
	return p.err
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
	if p == nil || p.ctx == nil {
		return
	}
	p.shut()
	p.cancel(errTerminated)
	limit := time.NewTimer(terminatePatience)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
	}
}

var terminatePatience = 2 * time.Second

// shut refuses further verbs.
func (p *Pool) shut() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
}

// goCallback calls f in a new goroutine, for which Close waits unless it already waits for
// callbacks.
func (p *Pool) goCallback(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		go f()
	} else {
		p.callbacks.Go(f)
	}
}

var errTerminated = fmt.Errorf("%w: it was terminated", ErrClosed)
