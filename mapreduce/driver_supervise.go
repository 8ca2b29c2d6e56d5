package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// maxFailures is how many workers in a row may end without having answered anything before the
	// pool gives up, since later workers would do the same.
	maxFailures = 10
	// restartPause is the pause before a worker is started in place of such a worker; it doubles
	// each time.
	restartPause = 10 * time.Millisecond
	// retryPause is the pause before an item whose worker was lost is tried again; it doubles each
	// time.
	retryPause = 2 * time.Millisecond
	maxPause   = time.Second
)

// A supervisor passes events to the scheduler and carries out its actions. The goroutine that holds
// its lock does that work: usually the one that brings the event, since waking another would take
// longer than the work.
type supervisor struct {
	working   sync.Mutex // guards all of it; stays locked when the pool has ended
	events    []event    // memory to reuse for the next events
	scheduler scheduler
	calls     map[uint32]*call   // calls that are not finished
	seen      map[*entry]measure // measures of tasks, from earlier calls
	spares    []*link            // spares that are ready or starting
	failures  int                // workers in a row that ended without an answer
	pins      []int              // processors by slot, if the workers are pinned
	deaths    []time.Time        // the latest deaths of workers through no fault of an item
	wanted    int                // number of workers that the pool should have
	leaving   int                // workers without a slot that have not ended yet
	released  bool               // the pool was idle, and has no workers
	broken    bool               // a panic left the state inconsistent
	loss      *loss              // set while it deals with a lost worker
	watch     watch
	reports   reports
	numbers   Stats // the numbers that are counted as things happen
}

func (s *supervisor) init(p *Pool) {
	s.calls = make(map[uint32]*call)
	s.seen = make(map[*entry]measure)
	s.wanted = p.options.procs
	s.scheduler.maxTasks = p.options.maxTasks
	s.watch.init(p)
	s.reports.init(p)
}

// event is something that the supervisor is told.
type event struct {
	kind eventKind
	link *link
	call *call
	n    int           // evAnswer: bytes of arguments and results; evRetry: the item; evFill: the slot
	work time.Duration // evAnswer
	err  error

	failed int        // evAnswer: items that failed
	late   bool       // evAnswer: the answer of the copy counted, and this one was ignored
	stats  chan Stats // evStats
}

type eventKind int

const (
	evReady  eventKind = iota // link's worker said hello
	evAnswer                  // link's worker answered its oldest chunk; the results are placed
	evLost                    // link's worker ended or could not be started: err
	evFill                    // the pause before slot n is filled again is over
	evLeft                    // a worker that had slot n ended
	evSubmit                  // call begins
	evFlow                    // call, a stream, has more items or more room
	evRetry                   // the pause before an item is tried again is over
	evCancel                  // call is cancelled: err
	evResize                  // the pool must have n workers
	evStats                   // a caller wants the numbers
	evLook                    // the watch must look
	evWaited                  // items of call may have waited too long
	evIdle                    // no call for the pool's idle time, if only n calls ever began
)

func (p *Pool) supervise() {
	defer close(p.done)
	defer p.options.cargo.Release()
	defer func() { // runs also when a user's encoding method calls runtime.Goexit here
		p.working.Lock()
		p.watch.stop()
		p.shutDown()
	}()
	for p.ctx.Err() == nil {
		select {
		case <-p.inbox.ready():
			p.working.Lock()
			p.handleAll()
		case <-p.ctx.Done():
		}
	}
}

// tell handles events: at once, in the calling goroutine, unless another one is at work. The caller
// must be able to wait for that and must hold no lock; other goroutines put their events into the
// inbox.
func (p *Pool) tell(events ...event) {
	p.inbox.add(events...)
	if p.working.TryLock() {
		p.handleAll()
	}
}

// handleAll handles the events that wait, and unlocks working. It leaves events that arrive
// meanwhile to the supervise goroutine, so that it does not keep its caller for long.
func (p *Pool) handleAll() {
	defer p.inbox.remind()
	defer p.working.Unlock()
	if p.broken {
		return
	}
	p.broken = true // reset at the end
	defer p.breakDown()
	p.events = p.inbox.take(p.events)
	for i := range p.events {
		p.handle(&p.events[i])
		p.act()
	}
	clear(p.events) // an idle pool must not keep the results of its last calls in memory
	p.events = p.events[:0]
	for _, l := range p.links {
		l.kick()
	}
	p.broken = false
}

// breakDown is deferred. After a panic, or a runtime.Goexit in a user's encoding method, it ends
// the pool. Each call fails with the stack, including calls whose events were not handled.
func (p *Pool) breakDown() {
	if !p.broken {
		return
	}
	broke := errGoexit
	if value := recover(); value != nil {
		broke = newPanicError(value)
	}
	p.cancel(fmt.Errorf("mapreduce: the supervisor of the pool broke down: %w\n%s", broke, debug.Stack()))
	p.inbox.add(p.events...)
	p.events = nil
}

func (p *Pool) handle(e *event) {
	d := &p.scheduler
	switch e.kind {
	case evReady:
		e.link.ready, e.link.readyAt = true, time.Now()
		p.upOnce.Do(func() { close(p.up) })
		// The pool may have become smaller meanwhile.
		if !e.link.spare && p.links[e.link.slot] == e.link {
			d.ready(e.link.slot)
		}
	case evAnswer:
		p.answered(e)
	case evLost:
		p.workerLost(e.link, e.err)
		e.link.release()
	case evLeft:
		p.leaving--
		p.fillEmpty(e.n)
	case evFill:
		p.fillEmpty(e.n)
	case evSubmit:
		c := e.call
		p.calls[c.id] = c
		p.wake()
		if p.failMisplaced(c) {
			break
		}
		c.state.seen = p.seen[c.task]
		p.watch.begin(c)
		d.submit(&c.state)
		p.arrived(c)
	case evFlow:
		c := e.call
		c.flowing.Store(false)
		ended := c.ended.Load() // read before have, which is final if this is set
		d.consume(&c.state, int(c.consumed.Load()))
		d.more(&c.state, int(c.have.Load()), ended)
		p.arrived(c)
	case evWaited:
		p.waited(e.call)
	case evRetry:
		d.retry(&e.call.state, e.n)
	case evCancel:
		p.fail(e.call, e.err)
	case evStats:
		e.stats <- p.current()
	case evLook:
		p.look()
	case evResize:
		p.resize(e.n)
	case evIdle:
		if e.n == int(p.lastCall.Load()) {
			p.release()
		}
	}
}

func (p *Pool) answered(e *event) {
	p.failures = 0
	e.link.answers = true
	if e.link != p.links[e.link.slot] {
		return // it was replaced; its answers no longer count
	}
	if e.late {
		p.scheduler.answeredLate(e.link.slot)
		return
	}
	p.countAnswer(e, p.scheduler.answered(e.link.slot, e.work, e.n))
	if e.err != nil {
		p.fail(e.call, e.err)
	}
}

// act carries out the scheduler's actions, and those that these lead to.
func (p *Pool) act() {
	for d := &p.scheduler; len(d.actions) > 0; {
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
	switch a.kind {
	case actSend:
		l := p.links[a.slot]
		p.send(a, func(attempt int) error { return l.send(a.call.owner, a.span, attempt, nil) })
	case actCopy:
		p.send(a, func(attempt int) error { return p.links[a.from].copyTo(p.links[a.slot], a.call.owner, a.span, attempt) })
	case actCancel:
		p.links[a.slot].cancelCall(a.call.owner)
	case actDelay:
		p.numbers.Retried++
		c, item := a.call.owner, a.first
		time.AfterFunc(pause(retryPause, a.attempt), func() { p.inbox.put(event{kind: evRetry, call: c, n: item}) })
	case actGiveUp:
		p.numbers.Done++
		p.numbers.Failed++
		failure := p.loss.failure(a.first, a.attempt)
		if err := a.call.owner.items.lose(failure); err != nil {
			p.fail(a.call.owner, err)
		}
	case actReplace:
		p.replace(a.slot)
	case actFinish:
		p.finish(a.call.owner)
	}
}

func (p *Pool) send(a *action, send func(attempt int) error) {
	c := a.call.owner
	if c.state.cancelled { // by an earlier action
		p.scheduler.unsent(a.slot, a.call, a.span)
		return
	}
	switch err := send(a.call.attempts[a.first] + 1); {
	case err == errAnswered:
		p.scheduler.unsent(a.slot, a.call, a.span)
		return
	case err != nil:
		p.scheduler.unsent(a.slot, a.call, a.span)
		p.fail(c, err)
		return
	}
	p.numbers.Chunks++
	p.numbers.Sent += a.size()
}

func (p *Pool) finish(c *call) {
	for _, l := range p.links {
		l.forget(c)
	}
	if c.state.seen.known() {
		p.seen[c.task] = c.state.seen
	}
	delete(p.calls, c.id)
	c.stopWaiting()
	c.end(nil)
	p.watch.over(c)
	if len(p.calls) == 0 && p.options.idle > 0 {
		begun := int(p.lastCall.Load())
		time.AfterFunc(p.options.idle, func() { p.inbox.put(event{kind: evIdle, n: begun}) })
	}
}

// fail ends a call early. Its caller learns it at once; chunks that workers hold run out, or the
// watch kills them.
func (p *Pool) fail(c *call, cause error) {
	c.end(cause)
	p.scheduler.cancel(&c.state)
	p.watch.over(c)
}

// pause returns first, doubled with each attempt after the first, but at most maxPause.
func pause(first time.Duration, attempt int) time.Duration {
	return min(first<<min(attempt-1, 20), maxPause)
}

// shutDown ends all calls and workers, and waits for the workers.
func (p *Pool) shutDown() {
	cause := context.Cause(p.ctx)
	if cause != ErrClosed && cause != errTerminated { // an initializer may have failed with an ErrClosed
		p.err = cause
	}
	if !p.broken {
		p.numbers = p.current()
	}
	close(p.final)
	p.mu.Lock()
	p.ended = cause // no call may come in after the last look at the inbox
	p.mu.Unlock()
	for _, e := range p.inbox.take(nil) {
		if e.call != nil {
			e.call.end(cause)
		}
	}
	for _, c := range p.calls {
		c.end(cause)
	}
	var stopping sync.WaitGroup
	for slot, l := range p.links {
		if l == nil {
			continue
		}
		how := p.endingOf(slot, cause)
		stopping.Go(func() { p.noteCutOff(l.stop(how)) })
	}
	for _, l := range p.spares {
		how := endNow
		if cause == ErrClosed {
			how = endIdle
		}
		stopping.Go(func() { p.noteCutOff(l.stop(how)) })
	}
	stopping.Wait()
	p.ending.Wait()
	p.unpin()
	p.reports.end()
	if p.err == nil {
		p.err = errors.Join(append(p.cutOff, lifeCause(p.life))...)
	}
	p.cancel(ErrClosed)
}
