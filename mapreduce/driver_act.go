package mapreduce

import (
	"time"

	"mrrun/mapreduce/internal/schedule"
)

const (
	// retryPause is the pause before an item whose worker was lost is tried again; it doubles each
	// time.
	retryPause = 2 * time.Millisecond
	maxPause   = time.Second
)

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
		s.loss.tell(s, a.Attempt, true)
		item := a.First
		time.AfterFunc(pause(retryPause, a.Attempt), func() { s.inbox.put(event{kind: evRetry, call: c, n: item}) })
	case schedule.GiveUp:
		s.numbers.Done++
		s.numbers.Failed++
		s.loss.tell(s, a.Attempt, false)
		failure := s.loss.failure(a.First, a.Attempt)
		err := c.items.lose(failure)
		s.tellGivenUp(c, failure, a.Attempt, s.loss.link.id)
		if err != nil {
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
	s.tellBegin(a, c)
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
