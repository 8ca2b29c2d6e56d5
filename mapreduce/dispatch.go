package mapreduce

import (
	"slices"
	"time"
)

// A dispatcher decides which worker gets which items next, and keeps the ledger of who holds what. It is a state machine:
// each method is an event, and what is to be done about it is appended to actions. It does no input or output, knows no
// clock and no process, and is not safe for concurrent use.
//
// Every item of a call is in one of three places: not yet sent (from next on, or in again), at exactly one worker
// (in a flight), or answered. Workers answer in the order in which they were sent to.
type dispatcher struct {
	workers []workerState // by slot
	calls   []*callState  // not finished, oldest first
	actions []action
}

// An action is what the pool has to do.
type action struct {
	kind actionKind
	slot int // the worker, of send and cancel
	call *callState
	span
}

type actionKind int

const (
	actSend   actionKind = iota // send the span to the worker
	actCancel                   // tell the worker that the call is cancelled
	actBlame                    // the worker that held the span is lost; the call is to fail unless somebody knows better
	actFinish                   // all items of the call were answered, or nothing of a cancelled one is held any more
)

// A span is the items first … end-1 of a call.
type span struct{ first, end int }

func (s span) size() int { return s.end - s.first }

type workerState struct {
	ready   bool
	flights []flight      // sent and not answered, in the order of sending
	queued  time.Duration // estimated work in them
}

// A flight is a chunk at a worker.
type flight struct {
	call *callState
	span
	cost time.Duration
}

type callState struct {
	chunksize int // 0: automatic
	have      int // items 0 … have-1 exist
	ended     bool
	window    int // items sent beyond consumed at most, 0: any number
	consumed  int // items whose results are out of the way

	next      int    // first item that was never sent
	again     []span // to be sent again
	held      int    // chunks at workers
	answered  int    // items
	cancelled bool
	seen      measure

	owner *call // the pool's
}

// ready: the worker in this slot can work.
func (d *dispatcher) ready(slot int) {
	for len(d.workers) <= slot {
		d.workers = append(d.workers, workerState{})
	}
	d.workers[slot].ready = true
	d.assignAll()
}

// lost: the worker in this slot is gone. What it was not working on is sent to others.
func (d *dispatcher) lost(slot int) {
	if slot >= len(d.workers) {
		return
	}
	w := &d.workers[slot]
	for i, f := range w.flights {
		f.call.held--
		if f.call.cancelled {
			d.finishIfDone(f.call)
			continue
		}
		if i == 0 {
			d.actions = append(d.actions, action{kind: actBlame, slot: slot, call: f.call, span: f.span})
		}
		f.call.again = append(f.call.again, f.span)
	}
	*w = workerState{}
	d.assignAll()
}

// submit: a call begins.
func (d *dispatcher) submit(c *callState) {
	d.calls = append(d.calls, c)
	d.assignAll()
	d.finishIfDone(c)
}

// more: items up to have-1 exist; ended: and there will be no others.
func (d *dispatcher) more(c *callState, have int, ended bool) {
	if c.cancelled {
		return
	}
	c.have, c.ended = have, ended
	d.assignAll()
	d.finishIfDone(c)
}

// consume: the results of items 0 … upTo-1 are out of the way.
func (d *dispatcher) consume(c *callState, upTo int) {
	c.consumed = max(c.consumed, upTo)
	d.assignAll()
}

// answered: the worker has answered the first of its flights. It returns the number of items in it.
func (d *dispatcher) answered(slot int, work time.Duration, bytes int) int {
	w := &d.workers[slot]
	f := w.flights[0]
	w.flights = w.flights[1:]
	w.queued -= f.cost
	c := f.call
	c.held--
	c.answered += f.size()
	c.seen.add(f.size(), work, bytes)
	d.finishIfDone(c)
	d.assign(slot)
	return f.size()
}

// unsent: the span could not be sent after all. Its call is going to be cancelled, so nobody else gets it.
func (d *dispatcher) unsent(slot int, c *callState, s span) {
	w := &d.workers[slot]
	for i, f := range w.flights {
		if f.call == c && f.span == s {
			w.flights = slices.Delete(w.flights, i, i+1)
			w.queued -= f.cost
			c.held--
			d.finishIfDone(c)
			if c.cancelled { // else its items would be sent again before it is
				d.assign(slot)
			}
			return
		}
	}
}

// cancel: nothing more of the call is to be done.
func (d *dispatcher) cancel(c *callState) {
	if c.cancelled {
		return
	}
	c.cancelled, c.again = true, nil
	for slot := range d.workers {
		for _, f := range d.workers[slot].flights {
			if f.call == c {
				d.actions = append(d.actions, action{kind: actCancel, slot: slot, call: c})
				break
			}
		}
	}
	d.finishIfDone(c)
	d.assignAll()
}

// idle reports whether the worker holds nothing.
func (d *dispatcher) idle(slot int) bool {
	return slot >= len(d.workers) || len(d.workers[slot].flights) == 0
}

func (d *dispatcher) finishIfDone(c *callState) {
	if c.held > 0 || !c.cancelled && !(c.ended && c.answered == c.have) {
		return
	}
	for i := range d.calls {
		if d.calls[i] == c {
			d.calls = append(d.calls[:i], d.calls[i+1:]...)
			d.actions = append(d.actions, action{kind: actFinish, call: c})
			return
		}
	}
}

// assignAll gives work to all workers that have room, one chunk each in turn.
func (d *dispatcher) assignAll() {
	for given := true; given; {
		given = false
		for slot := range d.workers {
			if d.assignOne(slot) {
				given = true
			}
		}
	}
}

func (d *dispatcher) assign(slot int) {
	for d.assignOne(slot) {
	}
}

// assignOne sends the next chunk of the oldest call that has one, if the worker has room for it.
func (d *dispatcher) assignOne(slot int) bool {
	w := &d.workers[slot]
	if !w.ready || len(w.flights) >= windowChunks {
		return false
	}
	for _, c := range d.calls {
		s, ok := d.nextSpan(c)
		if !ok {
			continue
		}
		cost := c.seen.cost(s.size())
		if len(w.flights) > 0 && !c.mayQueue(w, cost, len(d.workers)) {
			return false
		}
		c.taken(s)
		c.held++
		w.flights = append(w.flights, flight{call: c, span: s, cost: cost})
		w.queued += cost
		d.actions = append(d.actions, action{kind: actSend, slot: slot, call: c, span: s})
		return true
	}
	return false
}

// mayQueue reports whether a worker that is busy may get so much work of c on top.
func (c *callState) mayQueue(w *workerState, cost time.Duration, workers int) bool {
	queued := w.queued + cost
	return c.seen.known() && queued-w.flights[0].cost <= windowWork && float64(queued) <= c.seen.share(c.left(), workers)
}

// left returns the number of items without an answer, or -1 if there may be more to come.
func (c *callState) left() int {
	if !c.ended {
		return -1
	}
	return c.have - c.answered
}

// nextSpan returns the chunk of c to send next, and does not take it yet.
func (d *dispatcher) nextSpan(c *callState) (span, bool) {
	if c.cancelled {
		return span{}, false
	}
	if n := len(c.again); n > 0 {
		return c.again[n-1], true
	}
	limit := c.limit(len(d.workers))
	available := min(c.have, limit) - c.next
	if available <= 0 {
		return span{}, false
	}
	size := c.chunksize
	if size == 0 {
		size = min(autoChunk(&c.seen, c.left(), len(d.workers)), available)
	} else if size > available {
		if !c.ended || limit < c.have {
			return span{}, false // an explicit size is kept: wait for the rest
		}
		size = available
	}
	return span{c.next, c.next + size}, true
}

// limit returns the first item that may not be sent yet, because its result would find no room.
func (c *callState) limit(workers int) int {
	if c.window == 0 {
		return c.have
	}
	window := c.window
	if c.seen.bytes > 0 {
		least := max(2*workers*max(c.chunksize, 1), 1)
		window = min(window, max(least, int(windowBytes/c.seen.bytes)))
	}
	return c.consumed + window
}

// taken removes s, the result of nextSpan, from what is to be sent.
func (c *callState) taken(s span) {
	if n := len(c.again); n > 0 {
		c.again = c.again[:n-1]
		return
	}
	c.next = s.end
}
