package mapreduce

import (
	"fmt"
	"slices"
)

// act does what Pool.act and Pool.do do.
func (m *schedulerModel) act() {
	for len(m.d.actions) > 0 {
		actions := m.d.actions
		m.d.actions = nil
		for _, a := range actions {
			m.do(a)
		}
	}
}

func (m *schedulerModel) do(a action) {
	c := &modelCall{number: -1}
	if a.call != nil {
		c = m.callOf(a.call)
	}
	m.log = append(m.log, fmt.Sprint(a.kind, a.slot, c.number, a.span))
	if c.finishes > 0 {
		m.t.Fatalf("call %d is finished, and gets action %+v", c.number, a)
	}
	switch a.kind {
	case actSend:
		m.send(a, c)
	case actCopy:
		m.copy(a, c)
	case actDelay:
		if a.attempt > c.state.retries {
			m.t.Fatalf("call %d: attempt %d of %v is tried again, after %d retries", c.number, a.attempt, a.span, c.state.retries)
		}
		c.delayed = append(c.delayed, a.first)
	case actGiveUp:
		c.answers[a.first]++
	case actReplace:
		if !m.ready[a.slot] || len(m.queues[a.slot]) > 0 {
			m.t.Fatalf("worker %d is drained, ready %v, with %d chunks", a.slot, m.ready[a.slot], len(m.queues[a.slot]))
		}
		m.ready[a.slot] = false
	case actCancel:
		if !c.dead {
			m.t.Fatalf("call %d is told to be cancelled, and is not", c.number)
		}
	case actFinish:
		c.finishes++
	}
}

func (m *schedulerModel) send(a action, c *modelCall) {
	switch {
	case a.size() <= 0 || a.first < 0 || a.end > c.total:
		m.t.Fatalf("span %v of a call of %d items", a.span, c.total)
	case c.state.place > 0 && c.state.place != a.slot+1:
		m.t.Fatalf("worker %d gets items of a call for worker %d", a.slot, c.state.place-1)
	case c.state.direct && len(m.queues[a.slot]) > 0:
		m.t.Fatalf("worker %d holds something, and gets %v of a call that must not wait there", a.slot, a.span)
	case !m.ready[a.slot]:
		m.t.Fatalf("worker %d is not ready, and gets %v", a.slot, a.span)
	case c.state.window > 0 && a.end > c.state.consumed+c.state.window:
		m.t.Fatalf("%v was sent, and the window of %d begins at %d", a.span, c.state.window, c.state.consumed)
	}
	again := a.first < c.sent
	if size := c.state.chunksize; size > 0 && !again && m.d.maxTasks == 0 && a.size() != size && !(c.state.ended && a.end == c.total && a.size() < size) {
		m.t.Fatalf("chunk size %d, and %v of %d was sent", size, a.span, c.total)
	}
	if tasks := m.d.workers[a.slot].tasks; m.d.maxTasks > 0 && tasks > m.d.maxTasks {
		m.t.Fatalf("worker %d got %d items, of %d at most", a.slot, tasks, m.d.maxTasks)
	}
	c.sent = max(c.sent, a.end)
	if c.dead {
		m.d.unsent(a.slot, a.call, a.span)
		return
	}
	if m.next(64) == 63 { // an argument that cannot be encoded
		m.d.unsent(a.slot, a.call, a.span)
		m.cancel(c)
		return
	}
	m.queues[a.slot] = append(m.queues[a.slot], modelFlight{call: c, span: a.span})
}

// copy sends a second copy, or finds that the chunk has just been answered.
func (m *schedulerModel) copy(a action, c *modelCall) {
	i := slices.IndexFunc(m.queues[a.from], func(f modelFlight) bool { return f.call == c && f.span == a.span })
	if c.dead || i >= 0 && m.next(8) == 7 {
		m.awaited = !c.dead
		m.d.unsent(a.slot, a.call, a.span)
		return
	}
	if !m.ready[a.slot] || len(m.queues[a.slot]) > 0 || c.state.place > 0 || i < 0 || m.queues[a.from][i].answered != nil {
		m.t.Fatalf("%+v: worker %d has %v to copy, worker %d holds %v", a, a.from, m.queues[a.from], a.slot, m.queues[a.slot])
	}
	f := &m.queues[a.from][i]
	f.answered = new(bool)
	m.queues[a.slot] = append(m.queues[a.slot], *f)
}

func (m *schedulerModel) callOf(s *callState) *modelCall {
	for _, c := range m.calls {
		if &c.state == s {
			return c
		}
	}
	m.t.Fatal("an action names an unknown call")
	return nil
}

// drain runs everything to its end, which it must reach.
func (m *schedulerModel) drain() {
	m.script = nil
	if !slices.Contains(m.ready, true) {
		m.ready[0] = true
		m.d.ready(0)
		m.act()
	}
	for _, c := range m.calls {
		if !c.state.ended && !c.dead {
			m.more(c, 0, true)
			m.act()
		}
	}
	for moved := true; moved; {
		moved = false
		for slot := range m.queues {
			if len(m.queues[slot]) > 0 {
				m.answer(slot)
				m.act()
				moved = true
			}
		}
		for slot := range m.ready {
			if !m.ready[slot] { // it was drained
				m.ready[slot] = true
				m.d.ready(slot)
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
			if upTo := m.consumable(c, c.total); c.state.window > 0 && upTo > c.state.consumed {
				m.d.consume(&c.state, upTo)
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
	if m.d.queue.first != nil || m.d.queue.last != nil {
		m.t.Fatal("finished calls are still in the scheduler's queue")
	}
}
