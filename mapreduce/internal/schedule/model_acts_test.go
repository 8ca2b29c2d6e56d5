package schedule

import (
	"fmt"
	"slices"
)

// act does what the pool does.
func (m *schedulerModel) act() {
	for len(m.s.Actions) > 0 {
		actions := m.s.Actions
		m.s.Actions = nil
		for _, a := range actions {
			m.do(a)
		}
	}
}

func (m *schedulerModel) do(a Action) {
	c := &modelCall{number: -1}
	if a.Call != nil {
		c = a.Call.Owner.(*modelCall)
	}
	m.log = append(m.log, fmt.Sprint(a.Kind, a.Place, c.number, a.Span))
	if c.finishes > 0 {
		m.t.Fatalf("call %d is finished, and gets action %+v", c.number, a)
	}
	switch a.Kind {
	case Send:
		m.send(a, c)
	case Copy:
		m.copy(a, c)
	case Delay:
		if a.Attempt > c.state.Retries {
			m.t.Fatalf("call %d: attempt %d of %v is tried again, after %d retries", c.number, a.Attempt, a.Span, c.state.Retries)
		}
		c.delayed = append(c.delayed, a.First)
	case GiveUp:
		c.answers[a.First]++
	case Replace:
		if !m.ready[a.Place] || len(m.queues[a.Place]) > 0 {
			m.t.Fatalf("worker %d is drained, ready %v, with %d chunks", a.Place, m.ready[a.Place], len(m.queues[a.Place]))
		}
		m.ready[a.Place] = false
	case Cancel:
		if !c.dead {
			m.t.Fatalf("call %d is told to be cancelled, and is not", c.number)
		}
	case Finish:
		c.finishes++
	}
}

func (m *schedulerModel) send(a Action, c *modelCall) {
	switch {
	case a.Size() <= 0 || a.First < 0 || a.End > c.total:
		m.t.Fatalf("span %v of a call of %d items", a.Span, c.total)
	case c.state.Place > 0 && c.state.Place != a.Place+1:
		m.t.Fatalf("worker %d gets items of a call for worker %d", a.Place, c.state.Place-1)
	case c.state.Direct && len(m.queues[a.Place]) > 0:
		m.t.Fatalf("worker %d holds something, and gets %v of a call that must not wait there", a.Place, a.Span)
	case !m.ready[a.Place]:
		m.t.Fatalf("worker %d is not ready, and gets %v", a.Place, a.Span)
	case c.state.Window > 0 && a.End > c.state.consumed+c.state.Window:
		m.t.Fatalf("%v was sent, and the window of %d begins at %d", a.Span, c.state.Window, c.state.consumed)
	}
	again := a.First < c.sent
	if size := c.state.Chunksize; size > 0 && !again && m.s.MaxTasks == 0 && a.Size() != size && !(c.state.Ended && a.End == c.total && a.Size() < size) {
		m.t.Fatalf("chunk size %d, and %v of %d was sent", size, a.Span, c.total)
	}
	if tasks := m.s.workers[a.Place].tasks; m.s.MaxTasks > 0 && tasks > m.s.MaxTasks {
		m.t.Fatalf("worker %d got %d items, of %d at most", a.Place, tasks, m.s.MaxTasks)
	}
	c.sent = max(c.sent, a.End)
	if c.dead {
		m.s.Unsent(a.Place, a.Call, a.Span)
		return
	}
	if m.next(64) == 63 { // an argument that cannot be encoded
		m.s.Unsent(a.Place, a.Call, a.Span)
		m.cancel(c)
		return
	}
	m.queues[a.Place] = append(m.queues[a.Place], modelFlight{call: c, Span: a.Span})
}

// copy sends a second copy, or finds that the chunk has just been answered.
func (m *schedulerModel) copy(a Action, c *modelCall) {
	i := slices.IndexFunc(m.queues[a.From], func(f modelFlight) bool { return f.call == c && f.Span == a.Span })
	if c.dead || i >= 0 && m.next(8) == 7 {
		m.awaited = !c.dead
		m.s.Unsent(a.Place, a.Call, a.Span)
		return
	}
	if !m.ready[a.Place] || len(m.queues[a.Place]) > 0 || c.state.Place > 0 || i < 0 || m.queues[a.From][i].answered != nil {
		m.t.Fatalf("%+v: worker %d has %v to copy, worker %d holds %v", a, a.From, m.queues[a.From], a.Place, m.queues[a.Place])
	}
	f := &m.queues[a.From][i]
	f.answered = new(bool)
	m.queues[a.Place] = append(m.queues[a.Place], *f)
}

// drain runs everything to its end, which it must reach.
func (m *schedulerModel) drain() {
	m.script = nil
	if !slices.Contains(m.ready, true) {
		m.ready[0] = true
		m.s.Ready(0)
		m.act()
	}
	for _, c := range m.calls {
		if !c.state.Ended && !c.dead {
			m.more(c, 0, true)
			m.act()
		}
	}
	for moved := true; moved; {
		moved = false
		for place := range m.queues {
			if len(m.queues[place]) > 0 {
				m.answer(place)
				m.act()
				moved = true
			}
		}
		for place := range m.ready {
			if !m.ready[place] { // it was drained
				m.ready[place] = true
				m.s.Ready(place)
				m.act()
				moved = true
			}
		}
		for _, c := range m.calls {
			for len(c.delayed) > 0 {
				m.retry(c)
				m.act()
				moved = true
			}
			if upTo := m.consumable(c, c.total); c.state.Window > 0 && upTo > c.state.consumed {
				m.s.Consume(&c.state, upTo)
				m.act()
				moved = true
			}
		}
		m.check()
	}
	for _, c := range m.calls {
		if c.finishes != 1 || !c.dead && slices.Contains(c.answers, 0) {
			m.t.Fatalf("call %d did not come to its end: %+v", c.number, c.state)
		}
	}
	if m.s.queue.first != nil || m.s.queue.last != nil {
		m.t.Fatal("finished calls are still in the scheduler's queue")
	}
}
