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

// A Pool is a number of worker processes that run tasks. Its methods, and the verbs of tasks that use it, are safe for
// concurrent use; calls are served in the order in which they came.
//
// A worker that dies is replaced, and the item that it ran is tried again; see [Retries].
type Pool struct {
	host
	supervisor
	cancel  context.CancelCauseFunc // of life
	closing context.CancelCauseFunc // of ctx

	mu       sync.Mutex // guards what follows, and begin against Close
	closed   bool       // no verb may enter any more
	deaf     bool       // Close has waited, or waits, for callbacks, and cannot take more
	ended    error      // why no call may begin any more
	links    []*link    // by slot; written by the supervisor alone
	lastID   int        // of a worker
	lastCall atomic.Uint32

	active    sync.WaitGroup // calls
	callbacks sync.WaitGroup // of futures
	cutOff    []error        // about workers that took too long to end
	ending    sync.WaitGroup // workers that have been replaced and have not ended yet

	up     chan struct{} // closed when the first worker is ready
	upOnce sync.Once
	final  chan struct{} // closed when the numbers change no more: workers that end may be waited for yet
	done   chan struct{} // closed when no worker is left
	err    error         // why the pool failed, readable after done
}

// NewPool starts a pool and returns when its first worker is ready; the others follow.
//
// ctx is the pool's life: when it ends, workers are terminated and calls under way return its cause. The caller must call
// Close at the end; until then a deferred Terminate takes care of an early return or a panic. The error is [ErrNotInitialized] when neither [Main] nor [Init] was called, and wraps [ErrNoHello] when a worker
// does not get there; it is that of the initializer when one fails.
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

// mayStart returns why this process may start no others.
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

// maxProcs is what GOMAXPROCS should be in each worker.
func (o *poolOptions) maxProcs() int { return max(1, cores.Usable()/o.procs) }

// Close waits for the calls under way, ends the workers and waits for them, and for callbacks of futures; after that all
// verbs return [ErrClosed]. If the pool's context ends meanwhile, no call is waited for. It may be called again, and returns
// the error that ended the pool early, if one did: the context's cause, or why workers could not be started; or what of the
// workers' end in good order was cut off after [ExitTimeout].
//
// Deferred, Close does not keep a panic waiting: it terminates the pool, and the panic goes on. At an early return it does
// wait for what was submitted and is not done: defer Terminate, and call Close at the end, where that may take long. Called
// from a callback of a future, an [Output] function, a [Logger], or the body of a loop over [Task.Imap] of the same pool,
// it would wait for itself. When it has waited for 5 seconds it says so to [slog.Default].
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

// closePatience is how long Close waits in silence.
var closePatience = 5 * time.Second

// reportClose says what Close waits for.
func (p *Pool) reportClose() {
	numbers := p.Stats()
	slog.Warn("mapreduce: Close waits for calls under way, which Terminate would end; or for itself, if it was called in a "+
		"callback or in a loop over Imap", "running", numbers.Running, "waiting", numbers.Waiting, "done", numbers.Done)
}

// Terminate ends the workers without waiting for the calls under way, which return an error that is [ErrClosed]. It may be
// called at any time and from anywhere, also in a callback, or during Close, which waits for no exit function then. It waits for the workers'
// end, two seconds at most, since an [Output] function or a [Logger] that calls it keeps a worker from its end; it does not
// wait for callbacks. Close waits for all.
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

// shut keeps verbs out.
func (p *Pool) shut() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
}

// goCallback calls f in a goroutine that Close waits for, if it does not do so already.
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
