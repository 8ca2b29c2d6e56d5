package schedule

import (
	"slices"
	"time"
)

func (m *schedulerModel) check() {
	for place := range m.s.workers {
		m.checkWorker(place)
	}
	for _, c := range m.calls {
		m.checkCall(c)
	}
	m.checkProgress()
}

func (m *schedulerModel) checkWorker(place int) {
	w := &m.s.workers[place]
	if w.flights.Len() != len(m.queues[place]) || w.flights.Len() > windowChunks {
		m.t.Fatalf("worker %d holds %d chunks, and the scheduler thinks %d", place, len(m.queues[place]), w.flights.Len())
	}
	var cost time.Duration
	for i, f := range w.flights.Items() {
		if real := m.queues[place][i]; &real.call.state != f.call || real.Span != f.Span {
			m.t.Fatalf("worker %d: chunk %d is %v, and the scheduler thinks %v", place, i, real.Span, f.Span)
		}
		cost += f.cost
	}
	if cost != w.queued {
		m.t.Fatalf("worker %d has %v queued, and the sum of its chunks is %v", place, w.queued, cost)
	}
	if w.flights.Len() > 0 && cost-w.flights.Items()[0].cost > windowWork {
		m.t.Fatalf("worker %d has %v queued behind its first chunk", place, cost-w.flights.Items()[0].cost)
	}
}

// checkCall checks that each item of a call is in exactly one state.
func (m *schedulerModel) checkCall(c *modelCall) {
	places := make([]int, c.total)
	held, useless := 0, 0
	copies := make(map[*bool]bool) // already seen
	for _, q := range m.queues {
		for _, f := range q {
			if f.call != c {
				continue
			}
			held++
			switch {
			case f.useless():
				useless++
			case f.answered == nil || !copies[f.answered]:
				mark(places, f.Span)
				copies[f.answered] = true
			}
		}
	}
	if held != c.state.held || useless != c.state.useless {
		m.t.Fatalf("call %d: %d chunks are held, %d useless, and the scheduler thinks %d, %d", c.number, held, useless, c.state.held, c.state.useless)
	}
	done := c.state.cancelled || c.state.Ended && !slices.Contains(c.answers, 0)
	if finished := held == useless && len(c.delayed) == 0 && done; finished != (c.finishes == 1) || c.finishes > 1 {
		m.t.Fatalf("call %d: held %d, done %v, and finished %d times", c.number, held, done, c.finishes)
	}
	if c.dead {
		return
	}
	for _, span := range c.state.again {
		mark(places, span)
	}
	for _, item := range c.delayed {
		places[item]++
	}
	mark(places, Span{c.state.next, c.total})
	for i, answers := range c.answers {
		if places[i]+answers != 1 {
			m.t.Fatalf("call %d: item %d is in %d places and has %d answers", c.number, i, places[i], answers)
		}
	}
}

func mark(places []int, span Span) {
	for i := span.First; i < span.End; i++ {
		places[i]++
	}
}

// checkProgress checks that no worker is idle while there is work. The room of an Imap may also
// grow by a measurement, which wakes one worker; the others wait for the consumer.
func (m *schedulerModel) checkProgress() {
	idle, busy := -1, false
	for place := range m.queues {
		busy = busy || len(m.queues[place]) > 0
		if m.idle(place) {
			idle = place
		}
	}
	if idle < 0 {
		return
	}
	for place, w := range m.s.workers {
		for _, f := range w.flights.Items() {
			if !m.awaited && f.copies == nil && f.call.mayCopy() && f.call.Window == 0 && m.s.MaxTasks == 0 {
				m.t.Fatalf("worker %d is idle, and %v at worker %d has no copy", idle, f.Span, place)
			}
		}
	}
	for _, c := range m.calls {
		if place := c.state.Place; place > 0 && !m.idle(place-1) {
			continue
		}
		if c.finishes == 0 && m.sendable(c) && (!busy || c.state.Window == 0) {
			m.t.Fatalf("worker %d is idle, and call %d has items to send: %+v", idle, c.number, c.state)
		}
	}
}

func (m *schedulerModel) idle(place int) bool { return m.ready[place] && len(m.queues[place]) == 0 }

func (m *schedulerModel) sendable(c *modelCall) bool {
	if c.dead {
		return false
	}
	if len(c.state.again) > 0 {
		return true
	}
	end := min(c.total, c.state.limit(len(m.s.workers)))
	return c.state.next < end && (end-c.state.next >= c.state.Chunksize || c.state.Ended && end == c.total)
}
