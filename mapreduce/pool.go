package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// A Pool is a number of worker processes that run tasks. Its methods, and the verbs of tasks that use it, are safe for
// concurrent use; calls are served in the order in which they came.
//
// A worker that dies is replaced.
type Pool struct {
	ctx     context.Context // its end ends the pool
	cancel  context.CancelCauseFunc
	options poolOptions
	hello   proc.Hello

	inbox      *mailbox[event]
	dispatcher dispatcher
	links      []*link // by slot; the supervisor's, but for Workers
	failures   int     // workers lost before their hello, in a row

	mu       sync.Mutex     // guards closed, links for Workers, and begin against Close
	closed   bool           // no verb may enter any more
	ended    error          // why no call may begin any more
	active   sync.WaitGroup // calls
	lastCall atomic.Uint32

	up       chan struct{} // closed when the first worker is ready
	upOnce   sync.Once
	done     chan struct{} // closed when no worker is left
	err      error         // why the pool failed, readable after done
	counters counters
}

// maxFailures is how many workers in a row may fail to start before the pool gives up.
const maxFailures = 3

// NewPool starts a pool and returns when its first worker is ready; the others follow.
//
// ctx is the pool's life: when it ends, workers are terminated and calls under way return its cause. The caller must call
// Close. The error is [ErrNotInitialized] when neither [Main] nor [Init] was called, and wraps [ErrNoHello] when a worker
// does not get there.
func NewPool(ctx context.Context, opts ...PoolOption) (*Pool, error) {
	if !entered.Load() || proc.Marked() {
		return nil, ErrNotInitialized
	}
	o, err := newPoolOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	p := &Pool{
		options: o, hello: table(), inbox: newMailbox[event](), links: make([]*link, o.procs),
		up: make(chan struct{}), done: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	for slot := range p.links {
		p.startWorker(slot)
	}
	go p.supervise()
	select {
	case <-p.up:
		return p, nil
	case <-p.done:
		return nil, p.err
	}
}

// maxProcs is what GOMAXPROCS should be in each worker.
func (o *poolOptions) maxProcs() int { return max(1, runtime.GOMAXPROCS(0)/o.procs) }

// Close waits for the calls under way, ends the workers and waits for them; after that all verbs return [ErrClosed]. If the
// pool's context ends meanwhile, nothing is waited for but the workers' end. It may be called again, and returns the error
// that ended the pool early, if one did: the context's cause, or why workers could not be started.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.active.Wait()
	p.cancel(ErrClosed)
	<-p.done
	return p.err
}

// Terminate ends the workers without waiting for the calls under way, which return [ErrClosed].
func (p *Pool) Terminate() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel(errTerminated)
	<-p.done
}

var errTerminated = fmt.Errorf("%w: it was terminated", ErrClosed)

// event is what the supervisor is told.
type event struct {
	kind  eventKind
	link  *link
	call  *call
	bytes int           // evAnswer: of arguments and results
	work  time.Duration // evAnswer
	err   error
}

type eventKind int

const (
	evReady  eventKind = iota // link has said hello
	evAnswer                  // link has answered its oldest chunk; its results are placed
	evLost                    // link's worker has ended, or could not be started: err
	evSubmit                  // call begins
	evFlow                    // call, a stream, has more items or more room
	evCancel                  // call is cancelled: err
)

// supervise feeds the dispatcher and does what it says. It is the only goroutine that touches either.
func (p *Pool) supervise() {
	defer close(p.done)
	var events []event
	for {
		select {
		case <-p.inbox.ready():
		case <-p.ctx.Done():
			p.shutDown()
			return
		}
		events = p.inbox.take(events)
		for i := range events {
			p.handle(&events[i])
			p.act()
		}
		for _, l := range p.links {
			l.kick()
		}
	}
}

func (p *Pool) handle(e *event) {
	d := &p.dispatcher
	switch e.kind {
	case evReady:
		p.failures = 0
		p.upOnce.Do(func() { close(p.up) })
		d.ready(e.link.slot)
	case evAnswer:
		p.counters.answered(d.answered(e.link.slot, e.work, e.bytes))
		if e.err != nil {
			p.fail(e.call, e.err)
		}
	case evLost:
		p.workerLost(e.link, e.err)
	case evSubmit:
		d.submit(&e.call.state)
	case evFlow:
		c := e.call
		c.flowing.Store(false)
		ended := c.ended.Load() // before have, which is final then
		d.consume(&c.state, int(c.consumed.Load()))
		d.more(&c.state, int(c.have.Load()), ended)
	case evCancel:
		p.fail(e.call, e.err)
	}
}

// act carries out what the dispatcher wants; some of it makes the dispatcher want more.
func (p *Pool) act() {
	for d := &p.dispatcher; len(d.actions) > 0; {
		actions := d.actions
		d.actions = nil
		for i := range actions {
			p.do(&actions[i])
		}
		if len(d.actions) == 0 {
			clear(actions)
			d.actions = actions[:0]
		}
	}
}

func (p *Pool) do(a *action) {
	c := a.call.owner
	switch a.kind {
	case actSend:
		if c.state.cancelled { // by an action before this one
			p.dispatcher.unsent(a.slot, a.call, a.span)
		} else if err := p.links[a.slot].send(c, a.span); err != nil {
			p.dispatcher.unsent(a.slot, a.call, a.span)
			p.fail(c, err)
		} else {
			p.counters.sent(a.size())
		}
	case actCancel:
		p.links[a.slot].cancelCall(c)
	case actBlame:
		p.fail(c, p.links[a.slot].lostError(a.span))
	case actFinish:
		for _, l := range p.links {
			l.forget(c)
		}
		c.end(nil)
	}
}

// fail ends a call early. Its caller is told at once; what workers hold of it is let run out.
func (p *Pool) fail(c *call, cause error) {
	c.end(cause)
	p.dispatcher.cancel(&c.state)
}

// startWorker fills a slot. The new link reports by events.
func (p *Pool) startWorker(slot int) {
	l := newLink(p, slot)
	p.mu.Lock()
	p.links[slot] = l
	p.mu.Unlock()
	go l.run()
}

// workerLost blames, and replaces. Workers that end before they are ready, several times in a row, end the pool: the next
// ones would do the same.
func (p *Pool) workerLost(l *link, err error) {
	if l.greeted {
		p.dispatcher.lost(l.slot)
		p.act()
	} else {
		p.failures++
		if !p.isUp() || p.failures >= maxFailures {
			p.cancel(err)
			return
		}
	}
	p.startWorker(l.slot)
}

func (p *Pool) isUp() bool {
	select {
	case <-p.up:
		return true
	default:
		return false
	}
}

// shutDown ends all calls and workers, and waits for the latter.
func (p *Pool) shutDown() {
	cause := context.Cause(p.ctx)
	if !errors.Is(cause, ErrClosed) {
		p.err = cause
	}
	p.mu.Lock()
	p.closed, p.ended = true, cause // so that no call comes in behind the last look at the inbox
	p.mu.Unlock()
	for _, e := range p.inbox.take(nil) {
		if e.call != nil {
			e.call.end(cause)
		}
	}
	for _, c := range p.dispatcher.calls {
		c.owner.end(cause)
	}
	var stopping sync.WaitGroup
	for slot, l := range p.links {
		grace := time.Duration(0)
		if cause == ErrClosed && p.dispatcher.idle(slot) {
			grace = proc.StopTime
		}
		stopping.Go(func() { l.stop(grace) })
	}
	stopping.Wait()
}
