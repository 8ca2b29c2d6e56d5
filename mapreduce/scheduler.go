package mapreduce

import (
	"slices"
	"time"
)

// A scheduler decides which worker gets which items next and records which worker holds what. It is
// a state machine: each method is an event, and appends what the pool must do about it to actions.
// It does no input or output, knows no clock and no process, and is not safe for concurrent use.
//
// Every item of a call is in one of four places: not yet sent (from next on, or in again), waiting
// for its back-off (delayed), at exactly one worker or, as a backup, at two (in flights), or
// answered. A worker answers its chunks in the order in which they were sent to it.
type scheduler struct {
	workers  []workerState // by slot
	queue    callQueue     // calls that may have items to send, oldest first
	maxTasks int           // items after which a worker is drained; 0: never
	flown    uint64        // chunks sent so far
	actions  []action
}

// An action is something that the pool must do.
type action struct {
	kind    actionKind
	slot    int // the worker, of send, copy, cancel and replace
	from    int // of copy
	attempt int // of delay: which attempt has failed
	call    *callState
	span
}

type actionKind int

const (
	actSend    actionKind = iota // send the span to the worker
	actCopy                      // send a second copy of the span that the worker from holds
	actCancel                    // tell the worker that the call is cancelled
	actDelay                     // the item's worker was lost: call retry after a pause
	actGiveUp                    // lost its worker too often: the item failed, and counts as answered
	actReplace                   // the worker is drained and holds nothing: replace it
	actFinish                    // the call is over: all answered, or cancelled and none held
)

// A span is the items first … end-1 of a call.
type span struct{ first, end int }

func (s span) size() int { return s.end - s.first }

type workerState struct {
	ready   bool
	flights []flight      // sent and not answered, in the order of sending
	queued  time.Duration // estimated work in them
	holds   int           // items in them
	tasks   int           // items sent to it since it became ready
	drained bool          // it gets no more
}

// A flight is a chunk at a worker.
type flight struct {
	call *callState
	span
	cost   time.Duration
	serial uint64  // position in the order of all flights
	copies *copies // nil: no other worker has this chunk
}

type callState struct {
	chunksize int // items; 0: automatic
	backups   bool
	retries   int // how often an item whose worker was lost is tried again
	have      int // items 0 … have-1 exist
	ended     bool
	direct    bool // items are sent to workers that hold nothing, and begin at once
	place     int  // 1 + the only slot that may run it; 0: any slot may
	window    int  // most items that may be sent beyond consumed; 0: any number
	perWorker int  // most items that a busy worker may hold; 0: any number
	consumed  int  // results that no longer need room

	next      int         // first item that was never sent
	again     []span      // spans to send again
	attempts  map[int]int // workers lost so far, by item
	delayed   int         // items that wait for their back-off
	held      int         // chunks at workers
	useless   int         // those of held whose copies were answered
	answered  int         // items
	cancelled bool
	finished  bool
	seen      measure

	queued     bool // whether it is in the scheduler's queue, between prev and succ
	prev, succ *callState

	owner *call // the pool's record of the same call
}

// ready records that the worker in this slot can work.
func (d *scheduler) ready(slot int) {
	for len(d.workers) <= slot {
		d.workers = append(d.workers, workerState{})
	}
	d.workers[slot] = workerState{ready: true}
	d.assignAll()
}

// submit begins a call.
func (d *scheduler) submit(c *callState) {
	d.queue.pushBack(c)
	d.assignAll()
	d.finishIfDone(c)
}

// more records that items 0 … have-1 exist and, if ended, that no others will come.
func (d *scheduler) more(c *callState, have int, ended bool) {
	if c.cancelled || have == c.have && ended == c.ended {
		return
	}
	c.have, c.ended = have, ended
	d.assignAll()
	d.finishIfDone(c)
}

// expire gives up the items before upTo that were never sent, because they have waited too long.
// They count as answered. It returns them.
func (d *scheduler) expire(c *callState, upTo int) span {
	s := span{c.next, min(upTo, c.have)}
	if c.cancelled || c.finished || s.size() <= 0 {
		return span{}
	}
	c.next = s.end
	c.answered += s.size()
	d.dequeueIfSent(c)
	d.finishIfDone(c)
	return s
}

// consume records that the first upTo results no longer need room.
func (d *scheduler) consume(c *callState, upTo int) {
	if upTo > c.consumed {
		c.consumed = upTo
		d.assignAll()
	}
}

// answered records that the worker answered the first of its flights. It returns the items of that
// flight.
func (d *scheduler) answered(slot int, work time.Duration, bytes int) span {
	f := d.landFirst(slot)
	f.win()
	f.call.answered += f.size()
	f.call.seen.add(f.size(), work, bytes)
	d.goOn(slot, f.call)
	return f.span
}

// answeredLate records that the worker answered the first of its flights after the copy of it was
// answered.
func (d *scheduler) answeredLate(slot int) {
	f := d.landFirst(slot)
	d.goOn(slot, f.call)
}

func (d *scheduler) landFirst(slot int) flight {
	w := &d.workers[slot]
	f := w.flights[0]
	w.flights[0] = flight{} // or the array would keep its call in memory
	w.flights = w.flights[1:]
	w.queued -= f.cost
	w.holds -= f.size()
	f.land()
	return f
}

// goOn gives work to the worker, which has room again, and finishes the call if that was its last
// answer.
func (d *scheduler) goOn(slot int, c *callState) {
	d.finishIfDone(c)
	if c.backups { // other workers may have waited for a chunk to copy
		d.assignAll()
	} else {
		d.assign(slot)
	}
	d.replaceIfDrained(slot)
}

// unsent takes back a span that could not be sent. Its call is about to be cancelled, so no other
// worker gets it.
func (d *scheduler) unsent(slot int, c *callState, s span) {
	w := &d.workers[slot]
	for i, f := range w.flights {
		if f.call == c && f.span == s {
			w.flights = slices.Delete(w.flights, i, i+1)
			w.queued -= f.cost
			w.holds -= s.size()
			w.tasks -= s.size()
			f.land()
			d.finishIfDone(c)
			if c.cancelled { // until the call is cancelled, its items could be sent again
				d.assign(slot)
			}
			d.replaceIfDrained(slot)
			return
		}
	}
}

// drain gives the worker nothing more; it is replaced as soon as it holds nothing.
func (d *scheduler) drain(slot int) {
	if slot < len(d.workers) && d.workers[slot].ready {
		d.workers[slot].drained = true
		d.replaceIfDrained(slot)
	}
}

func (d *scheduler) replaceIfDrained(slot int) {
	w := &d.workers[slot]
	if d.maxTasks > 0 && w.tasks >= d.maxTasks {
		w.drained = true
	}
	if w.drained && w.ready && len(w.flights) == 0 {
		w.ready = false
		d.actions = append(d.actions, action{kind: actReplace, slot: slot})
	}
}

// cancel cancels the call: no more of its items are sent, and each worker that holds some is told.
func (d *scheduler) cancel(c *callState) {
	if c.cancelled || c.finished {
		return
	}
	c.cancelled, c.again = true, nil
	d.queue.remove(c)
	for slot := range d.workers {
		if d.holds(slot, c) {
			d.actions = append(d.actions, action{kind: actCancel, slot: slot, call: c})
		}
	}
	d.finishIfDone(c)
	d.assignAll()
}

// holds reports whether the worker holds items of the call.
func (d *scheduler) holds(slot int, c *callState) bool {
	return slot < len(d.workers) && slices.ContainsFunc(d.workers[slot].flights, func(f flight) bool { return f.call == c })
}

// idle reports whether the worker holds nothing.
func (d *scheduler) idle(slot int) bool {
	return slot >= len(d.workers) || len(d.workers[slot].flights) == 0
}

func (d *scheduler) finishIfDone(c *callState) {
	if c.finished || c.held > c.useless || c.delayed > 0 || !c.cancelled && !(c.ended && c.answered == c.have) {
		return
	}
	c.finished = true
	d.queue.remove(c)
	d.actions = append(d.actions, action{kind: actFinish, call: c})
}

// assignAll gives work to all workers that have room, in turns of one chunk each.
func (d *scheduler) assignAll() {
	for given := true; given; {
		given = false
		for slot := range d.workers {
			if d.assignOne(slot) {
				given = true
			}
		}
	}
}

func (d *scheduler) assign(slot int) {
	for d.assignOne(slot) {
	}
}

// assignOne sends the worker, if it has room, the next chunk of the oldest call that has one. It
// reports whether it sent one.
func (d *scheduler) assignOne(slot int) bool {
	w := &d.workers[slot]
	if !w.ready || w.drained || len(w.flights) >= windowChunks || d.maxTasks > 0 && w.tasks >= d.maxTasks {
		return false
	}
	for c := d.queue.first; c != nil; c = c.succ {
		if !c.mayRunAt(slot) {
			continue
		}
		s, ok := d.nextSpan(c)
		if !ok {
			continue
		}
		cost := c.seen.cost(s.size())
		if len(w.flights) > 0 && !c.mayQueue(w, s, cost, len(d.workers)) {
			return false
		}
		if d.maxTasks > 0 {
			s.end = min(s.end, s.first+d.maxTasks-w.tasks)
		}
		d.take(c, s)
		d.fly(slot, flight{call: c, span: s, cost: cost})
		d.actions = append(d.actions, action{kind: actSend, slot: slot, call: c, span: s})
		return true
	}
	return len(w.flights) == 0 && d.assignBackup(slot)
}

// mayRunAt reports whether the call's items may go to this worker.
func (c *callState) mayRunAt(slot int) bool { return c.place == 0 || c.place == slot+1 }

func (d *scheduler) fly(slot int, f flight) {
	w := &d.workers[slot]
	d.flown++
	f.serial = d.flown
	w.flights = append(w.flights, f)
	w.queued += f.cost
	w.holds += f.size()
	w.tasks += f.size()
	f.call.held++
}

// mayQueue reports whether a busy worker may also get the span s of c, which costs as much as
// given.
func (c *callState) mayQueue(w *workerState, s span, cost time.Duration, workers int) bool {
	if c.direct || c.perWorker > 0 && w.holds+s.size() > c.perWorker {
		return false
	}
	queued := w.queued + cost
	return c.seen.known() && queued-w.flights[0].cost <= windowWork && float64(queued) <= c.seen.share(c.left(), workers)
}

// left returns the number of items without an answer, or -1 if more may come.
func (c *callState) left() int {
	if !c.ended {
		return -1
	}
	return c.have - c.answered
}

// nextSpan returns the chunk of c to send next, without taking it.
func (d *scheduler) nextSpan(c *callState) (span, bool) {
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
		if c.direct {
			size = 1
		} else if c.perWorker > 0 {
			size = min(size, max(c.perWorker/2, 1))
		}
	} else if size > available {
		if !c.ended || limit < c.have {
			return span{}, false // an explicit size holds: wait for the rest
		}
		size = available
	}
	return span{c.next, c.next + size}, true
}

// limit returns the index of the first item that may not be sent yet, because there is no room for
// its result.
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

// take removes s, a prefix of the result of nextSpan, from the items to send.
func (d *scheduler) take(c *callState, s span) {
	if n := len(c.again); n > 0 {
		if c.again[n-1].first = s.end; c.again[n-1].size() == 0 {
			c.again = c.again[:n-1]
		}
	} else {
		c.next = s.end
	}
	d.dequeueIfSent(c)
}

// dequeueIfSent takes a call out of the queue that has nothing to send any more.
func (d *scheduler) dequeueIfSent(c *callState) {
	if c.ended && c.next == c.have && len(c.again) == 0 {
		d.queue.remove(c)
	}
}
