package mapreduce

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"mrrun/mapreduce/internal/schedule"
)

// observed calls the pool's observer by tell, unless it has none.
func (s *supervisor) observed(tell func(Observer)) {
	if s.options.observer == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "mapreduce: the Observer panicked: %v\n%s", p, debug.Stack())
		}
	}()
	tell(s.options.observer)
}

// chunkOf returns what an observer is told of the items of a call.
func (c *call) chunkOf(span schedule.Span, attempt, worker int) Chunk {
	return Chunk{Call: int(c.id), Task: c.task.name, First: span.First, Last: span.End - 1, Attempt: attempt, Worker: worker}
}

func (s *supervisor) tellBegin(a *schedule.Action, c *call) {
	if s.options.observer != nil {
		s.observed(func(o Observer) { o.Begin(c.chunkOf(a.Span, a.Attempt, s.links[a.Place].id)) })
	}
}

func (s *supervisor) tellEnd(e *event, span schedule.Span) {
	if s.options.observer != nil {
		s.observed(func(o Observer) {
			o.End(e.call.chunkOf(span, e.call.state.Attempt(span.First), e.link.id),
				Outcome{Work: e.work, Sent: e.sent, Received: e.n - e.sent, Failures: e.failed})
		})
	}
}

// tellGivenUp tells of an item that no worker will answer. worker is the ID of the last one that
// ran it, or 0.
func (s *supervisor) tellGivenUp(c *call, failure *TaskError, attempts, worker int) {
	s.observed(func(o Observer) {
		span := schedule.Span{First: failure.Index, End: failure.Index + 1}
		o.End(c.chunkOf(span, attempts, worker), Outcome{Failures: TaskErrors{failure}})
	})
}

func (s *supervisor) tellWorker(l *link, state WorkerState) {
	s.observed(func(o Observer) { o.Worker(l.change(state)) })
}

// change returns what an observer is told of a worker. It blocks until a worker that has ended is
// reaped.
func (l *link) change(state WorkerState) WorkerChange {
	change := WorkerChange{State: state, ID: l.id}
	l.mu.Lock()
	defer l.mu.Unlock()
	if state != WorkerStarting && l.process != nil {
		change.PID = l.process.PID()
	}
	if state == WorkerEnded {
		change.Reason = l.reason
	}
	return change
}

// tell tells the observer, once, of a worker that died. attempts says how many times its item was
// begun.
func (l *loss) tell(s *supervisor, attempts int, again bool) {
	if l.told {
		return
	}
	l.told = true
	s.observed(func(o Observer) {
		change := l.link.change(WorkerEnded)
		change.Again = again
		if l.call == nil {
			change.Lost = l.link.lostError(-1, 0)
		} else {
			change.Call, change.Task = int(l.call.id), l.call.task.name
			if seen := l.link.look(); !seen.Began.IsZero() {
				change.Ran = max(time.Since(seen.Began), 0)
			}
			change.Lost = l.link.lostError(l.item, attempts)
		}
		o.Worker(change)
	})
}

// tellNotStarted tells of a worker that ended before it was ready.
func (s *supervisor) tellNotStarted(l *link, err error) {
	s.observed(func(o Observer) {
		change := l.change(WorkerEnded)
		change.Reason = err
		o.Worker(change)
	})
}
