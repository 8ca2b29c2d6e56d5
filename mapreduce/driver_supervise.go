package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"mrrun/mapreduce/internal/schedule"
	"runtime/debug"
	"sync"
	"sync/atomic"
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
	host
	cancel  context.CancelCauseFunc // ends life
	closing context.CancelCauseFunc // ends ctx

	mu       sync.Mutex // guards the following
	ended    error      // why no call may begin any more; nil: calls may
	links    []*link    // by place; written only with working locked too
	cutOff   []error    // errors of workers that took too long to end
	lastCall atomic.Uint32

	working   sync.Mutex // guards the following; stays locked when the pool has ended
	events    []event    // memory to reuse for the next events
	scheduler schedule.Scheduler
	calls     map[uint32]*call            // calls that are not finished
	seen      map[*entry]schedule.Measure // measures of tasks, from earlier calls
	spares    []*link                     // spares that are ready or starting
	lastID    int                         // ID of the last worker started
	failures  int                         // workers in a row that ended without an answer
	pins      []int                       // processors by place, if the workers are pinned
	deaths    []time.Time                 // the latest deaths of workers through no fault of an item
	wanted    int                         // number of workers that the pool should have
	leaving   int                         // workers without a place that have not ended yet
	released  bool                        // the pool was idle, and has no workers
	broken    bool                        // a panic left the state inconsistent
	loss      *loss                       // set while it deals with a lost worker
	watch     watch
	reports   reports
	numbers   Stats // the numbers that are counted as things happen

	ending sync.WaitGroup // workers without a place that have not ended yet

	up     chan struct{} // closed when the first worker is ready
	upOnce sync.Once
	final  chan struct{} // closed when the numbers are final; workers may still be ending
	done   chan struct{} // closed when no worker is left
	err    error         // why the pool failed; set before done is closed
}

// newSupervisor returns the supervisor of a pool, which has no workers yet. ctx bounds its life.
func newSupervisor(ctx context.Context, o poolOptions) *supervisor {
	s := &supervisor{
		host: newHost(o), links: make([]*link, o.procs), wanted: o.procs,
		calls: make(map[uint32]*call), seen: make(map[*entry]schedule.Measure),
		up: make(chan struct{}), final: make(chan struct{}), done: make(chan struct{}),
	}
	s.life, s.cancel = context.WithCancelCause(ctx)
	s.ctx, s.closing = context.WithCancelCause(s.life)
	s.scheduler.MaxTasks = o.maxTasks
	s.watch.init(s)
	s.reports.init(&s.host)
	return s
}

// start starts the workers, and the goroutine that supervises them until ctx ends.
func (s *supervisor) start() {
	s.working.Lock()
	for place := range s.links {
		s.fill(place)
	}
	s.working.Unlock()
	go s.supervise()
}

// hasEnded returns why no call may begin any more, or nil.
func (s *supervisor) hasEnded() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// event is something that the supervisor is told.
type event struct {
	kind eventKind
	link *link
	call *call
	n    int           // evAnswer: bytes of arguments and results; evRetry: the item; evFill: the place
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
	evFill                    // the pause before place n is filled again is over
	evLeft                    // a worker that had place n ended
	evSubmit                  // call begins
	evFlow                    // call, of an Imap, has more items or more room
	evRetry                   // the pause before an item is tried again is over
	evCancel                  // call is cancelled: err
	evResize                  // the pool must have n workers
	evStats                   // a caller wants the numbers
	evLook                    // the watch must look
	evWaited                  // items of call may have waited too long
	evIdle                    // no call for the pool's idle time, if only n calls ever began
)

func (s *supervisor) supervise() {
	defer close(s.done)
	defer s.options.cargo.Release()
	defer func() { // runs also when a user's encoding method calls runtime.Goexit here
		s.working.Lock()
		s.watch.stop()
		s.shutDown()
	}()
	for s.ctx.Err() == nil {
		select {
		case <-s.inbox.ready():
			s.working.Lock()
			s.handleAll()
		case <-s.ctx.Done():
		}
	}
}

// tell handles events: at once, in the calling goroutine, unless another one is at work. The caller
// must be able to wait for that and must hold no lock; other goroutines put their events into the
// inbox.
func (s *supervisor) tell(events ...event) {
	s.inbox.add(events...)
	if s.working.TryLock() {
		s.handleAll()
	}
}

// handleAll handles the events that wait, and unlocks working. It leaves events that arrive
// meanwhile to the supervise goroutine, so that it does not keep its caller for long.
func (s *supervisor) handleAll() {
	defer s.inbox.remind()
	defer s.working.Unlock()
	if s.broken {
		return
	}
	s.broken = true // reset at the end
	defer s.breakDown()
	s.events = s.inbox.take(s.events)
	for i := range s.events {
		s.handle(&s.events[i])
		s.act()
	}
	clear(s.events) // an idle pool must not keep the results of its last calls in memory
	s.events = s.events[:0]
	for _, l := range s.links {
		l.kick()
	}
	s.broken = false
}

// breakDown is deferred. After a panic, or a runtime.Goexit in a user's encoding method, it ends
// the pool. Each call fails with the stack, including calls whose events were not handled.
func (s *supervisor) breakDown() {
	if !s.broken {
		return
	}
	broke := errGoexit
	if value := recover(); value != nil {
		broke = newPanicError(value)
	}
	s.cancel(fmt.Errorf("mapreduce: the supervisor of the pool broke down: %w\n%s", broke, debug.Stack()))
	s.inbox.add(s.events...)
	s.events = nil
}

func (s *supervisor) handle(e *event) {
	switch e.kind {
	case evReady:
		e.link.ready, e.link.readyAt = true, time.Now()
		s.upOnce.Do(func() { close(s.up) })
		// The pool may have become smaller meanwhile.
		if !e.link.spare && s.links[e.link.place] == e.link {
			s.scheduler.Ready(e.link.place)
		}
	case evAnswer:
		s.answered(e)
	case evLost:
		s.workerLost(e.link, e.err)
		e.link.release()
	case evLeft:
		s.leaving--
		s.fillEmpty(e.n)
	case evFill:
		s.fillEmpty(e.n)
	case evSubmit:
		c := e.call
		s.calls[c.id] = c
		s.wake()
		if s.failMisplaced(c) {
			break
		}
		c.state.Seen = s.seen[c.task]
		s.watch.begin(c)
		s.scheduler.Submit(&c.state)
		s.arrived(c)
	case evFlow:
		c := e.call
		c.flowing.Store(false)
		ended := c.ended.Load() // read before have, which is final if this is set
		s.scheduler.Consume(&c.state, int(c.consumed.Load()))
		s.scheduler.More(&c.state, int(c.have.Load()), ended)
		s.arrived(c)
	case evWaited:
		s.waited(e.call)
	case evRetry:
		s.scheduler.Retry(&e.call.state, e.n)
	case evCancel:
		s.fail(e.call, e.err)
	case evStats:
		e.stats <- s.current()
	case evLook:
		s.look()
	case evResize:
		s.resize(e.n)
	case evIdle:
		if e.n == int(s.lastCall.Load()) {
			s.release()
		}
	}
}

func (s *supervisor) answered(e *event) {
	s.failures = 0
	e.link.answers = true
	if e.link != s.links[e.link.place] {
		return // it was replaced; its answers no longer count
	}
	if e.late {
		s.scheduler.AnsweredLate(e.link.place)
		return
	}
	s.countAnswer(e, s.scheduler.Answered(e.link.place, e.work, e.n))
	if e.err != nil {
		s.fail(e.call, e.err)
	}
}

// act carries out the scheduler's actions, and those that these lead to.
func (s *supervisor) act() {
	for len(s.scheduler.Actions) > 0 {
		actions := s.scheduler.Actions
		s.scheduler.Actions = nil
		for i := range actions {
			s.do(&actions[i])
		}
		if len(s.scheduler.Actions) == 0 {
			clear(actions)
			s.scheduler.Actions = actions[:0]
		}
	}
}

func (s *supervisor) do(a *schedule.Action) {
	c := callOf(a)
	switch a.Kind {
	case schedule.Send:
		s.send(a, c, func(l *link) error { return l.send(c, a.Span, a.Attempt, nil) })
	case schedule.Copy:
		s.send(a, c, func(l *link) error { return s.links[a.From].copyTo(l, c, a.Span, a.Attempt) })
	case schedule.Cancel:
		s.links[a.Place].cancelCall(c)
	case schedule.Delay:
		s.numbers.Retried++
		item := a.First
		time.AfterFunc(pause(retryPause, a.Attempt), func() { s.inbox.put(event{kind: evRetry, call: c, n: item}) })
	case schedule.GiveUp:
		s.numbers.Done++
		s.numbers.Failed++
		if err := c.items.lose(s.loss.failure(a.First, a.Attempt)); err != nil {
			s.fail(c, err)
		}
	case schedule.Replace:
		s.replace(a.Place)
	case schedule.Finish:
		s.finish(c)
	}
}

// callOf returns the call of an action; nil if it is about none.
func callOf(a *schedule.Action) *call {
	if a.Call == nil {
		return nil
	}
	return a.Call.Owner.(*call)
}

// send sends the chunk of the action to its worker by calling send.
func (s *supervisor) send(a *schedule.Action, c *call, send func(*link) error) {
	if c.state.Cancelled() { // by an earlier action
		s.scheduler.Unsent(a.Place, a.Call, a.Span)
		return
	}
	if err := send(s.links[a.Place]); err != nil {
		s.scheduler.Unsent(a.Place, a.Call, a.Span)
		if err != errAnswered {
			s.fail(c, err)
		}
		return
	}
	s.numbers.Chunks++
	s.numbers.Sent += a.Size()
}

func (s *supervisor) finish(c *call) {
	for _, l := range s.links {
		l.forget(c)
	}
	if c.state.Seen.Known() {
		s.seen[c.task] = c.state.Seen
	}
	delete(s.calls, c.id)
	c.stopWaiting()
	c.end(nil)
	s.watch.over(c)
	if len(s.calls) == 0 && s.options.idle > 0 {
		begun := int(s.lastCall.Load())
		time.AfterFunc(s.options.idle, func() { s.inbox.put(event{kind: evIdle, n: begun}) })
	}
}

// fail ends a call early. Its caller learns it at once; chunks that workers hold run out, or the
// watch kills them.
func (s *supervisor) fail(c *call, cause error) {
	c.end(cause)
	s.scheduler.Cancel(&c.state)
	s.watch.over(c)
}

// pause returns first, doubled with each attempt after the first, but at most maxPause.
func pause(first time.Duration, attempt int) time.Duration {
	return min(first<<min(attempt-1, 20), maxPause)
}

// shutDown ends all calls and workers, and waits for the workers.
func (s *supervisor) shutDown() {
	cause := context.Cause(s.ctx)
	if cause != ErrClosed && cause != errTerminated { // an initializer may have failed with an ErrClosed
		s.err = cause
	}
	if !s.broken {
		s.numbers = s.current()
	}
	close(s.final)
	s.mu.Lock()
	s.ended = cause // no call may come in after the last look at the inbox
	s.mu.Unlock()
	for _, e := range s.inbox.take(nil) {
		if e.call != nil {
			e.call.end(cause)
		}
	}
	for _, c := range s.calls {
		c.end(cause)
	}
	var stopping sync.WaitGroup
	for place, l := range s.links {
		if l == nil {
			continue
		}
		how := s.endingOf(place, cause)
		stopping.Go(func() { s.noteCutOff(l.stop(how)) })
	}
	for _, l := range s.spares {
		how := endNow
		if cause == ErrClosed {
			how = endIdle
		}
		stopping.Go(func() { s.noteCutOff(l.stop(how)) })
	}
	stopping.Wait()
	s.ending.Wait()
	s.unpin()
	s.reports.end()
	if s.err == nil {
		s.err = errors.Join(append(s.cutOff, lifeCause(s.life))...)
	}
	s.cancel(ErrClosed)
}
