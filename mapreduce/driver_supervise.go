package mapreduce

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/schedule"
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
	wanted    atomic.Int64                // number of workers that the pool should have
	leaving   map[*link]bool              // workers without a place that have not ended yet
	released  bool                        // the pool was idle, and has no workers
	broken    bool                        // a panic left the state inconsistent
	loss      *loss                       // set while it deals with a lost worker
	watch     watch
	reports   reports
	numbers   Stats // the numbers that are counted as things happen; its Times are those of workers that have ended
	began     time.Time
	last      Stats // after the end of all workers

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
		host: newHost(o), links: make([]*link, o.procs),
		began: time.Now(), calls: make(map[uint32]*call), seen: make(map[*entry]schedule.Measure), leaving: make(map[*link]bool),
		up: make(chan struct{}), final: make(chan struct{}), done: make(chan struct{}),
	}
	s.wanted.Store(int64(o.procs))
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
		e.link.initTime = e.link.readyAt.Sub(e.link.greetedAt)
		s.tellWorker(e.link, WorkerReady)
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
		delete(s.leaving, e.link)
		s.left(&s.numbers, e.link)
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
	chunk := s.scheduler.Answered(e.link.place, e.work, e.n)
	s.countAnswer(e, chunk)
	s.tellEnd(e, chunk)
	if e.err != nil {
		s.fail(e.call, e.err)
	}
}
