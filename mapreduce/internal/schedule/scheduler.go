// Package schedule decides which worker of a pool gets which items next, and which items are tried
// again. It is pure: it does no input or output, and knows no clock and no process.
package schedule

import (
	"slices"
	"time"

	"mrrun/mapreduce/internal/fifo"
)

// A Scheduler decides which worker gets which items next and records which worker holds what. It is
// a state machine: each method is an event, and appends what the pool must do about it to Actions,
// from where the pool takes them. It is not safe for concurrent use.
//
// Every item of a call is in one of four states: not yet sent (from next on, or in again), waiting
// for its back-off (delayed), at exactly one worker or, as a backup, at two (in flights), or
// answered. A worker answers its chunks in the order in which they were sent to it.
type Scheduler struct {
	MaxTasks int // items after which a worker is drained; 0: never
	Actions  []Action

	workers []workerState // by place
	queue   callQueue     // calls that may have items to send, oldest first
	flown   uint64        // chunks sent so far
}

// An Action is something that the pool must do.
type Action struct {
	Kind    Kind
	Place   int // the worker, of Send, Copy, Cancel and Replace
	From    int // of Copy
	Attempt int // of Send and Copy: which attempt of the first item this is; of the others: which has failed
	Call    *Call
	Span
}

// A Kind says what an action is.
type Kind int

const (
	Send    Kind = iota // send the span to the worker
	Copy                // send a second copy of the span that the worker From holds
	Cancel              // tell the worker that the call is cancelled
	Delay               // the item's worker was lost: call Retry after a pause
	GiveUp              // lost its worker too often: the item failed, and counts as answered
	Replace             // the worker is drained and holds nothing: replace it
	Finish              // the call is over: all answered, or cancelled and none held
)

type workerState struct {
	ready   bool
	flights fifo.Queue[flight] // sent and not answered, in the order of sending
	queued  time.Duration      // estimated work in them
	holds   int                // items in them
	tasks   int                // items sent to it since it became ready
	drained bool               // it gets no more
}

// A flight is a chunk at a worker.
type flight struct {
	call *Call
	Span
	cost   time.Duration
	serial uint64  // position in the order of all flights
	copies *copies // nil: no other worker has this chunk
}

// Ready records that the worker in this place can work.
func (s *Scheduler) Ready(place int) {
	for len(s.workers) <= place {
		s.workers = append(s.workers, workerState{})
	}
	s.workers[place] = workerState{ready: true}
	s.assignAll()
}

// Submit begins a call.
func (s *Scheduler) Submit(c *Call) {
	s.queue.pushBack(c)
	s.assignAll()
	s.finishIfDone(c)
}

// More records that items 0 … have-1 exist and, if ended, that no others will come.
func (s *Scheduler) More(c *Call, have int, ended bool) {
	if c.cancelled || have == c.Have && ended == c.Ended {
		return
	}
	c.Have, c.Ended = have, ended
	s.assignAll()
	s.finishIfDone(c)
}

// Expire gives up the items before upTo that were never sent, because they have waited too long.
// They count as answered. It returns them.
func (s *Scheduler) Expire(c *Call, upTo int) Span {
	span := Span{c.next, min(upTo, c.Have)}
	if c.cancelled || c.finished || span.Size() <= 0 {
		return Span{}
	}
	c.next = span.End
	c.answered += span.Size()
	s.dequeueIfSent(c)
	s.finishIfDone(c)
	return span
}

// Consume records that the first upTo results no longer need room.
func (s *Scheduler) Consume(c *Call, upTo int) {
	if upTo > c.consumed {
		c.consumed = upTo
		s.assignAll()
	}
}

// Answered records that the worker answered the first of its flights. It returns the items of that
// flight.
func (s *Scheduler) Answered(place int, work time.Duration, bytes int) Span {
	f := s.landFirst(place)
	f.win()
	f.call.answered += f.Size()
	f.call.Seen.add(f.Size(), work, bytes)
	s.goOn(place, f.call)
	return f.Span
}

// AnsweredLate records that the worker answered the first of its flights after the copy of it was
// answered.
func (s *Scheduler) AnsweredLate(place int) {
	f := s.landFirst(place)
	s.goOn(place, f.call)
}

func (s *Scheduler) landFirst(place int) flight {
	w := &s.workers[place]
	f := w.flights.Pop()
	w.queued -= f.cost
	w.holds -= f.Size()
	f.land()
	return f
}

// goOn gives work to the worker, which has room again, and finishes the call if that was its last
// answer.
func (s *Scheduler) goOn(place int, c *Call) {
	s.finishIfDone(c)
	s.replaceIfDrained(place)
	// Other workers may have waited for a chunk to copy, or must do what a drained one cannot.
	if c.Backups || s.workers[place].drained {
		s.assignAll()
	} else {
		s.assign(place)
	}
}

// Unsent takes back a span that could not be sent. Its call is about to be cancelled, so no other
// worker gets it.
func (s *Scheduler) Unsent(place int, c *Call, span Span) {
	w := &s.workers[place]
	for i, f := range w.flights.Items() {
		if f.call == c && f.Span == span {
			w.flights.Delete(i)
			w.queued -= f.cost
			w.holds -= span.Size()
			w.tasks -= span.Size()
			f.land()
			s.finishIfDone(c)
			if c.cancelled { // until the call is cancelled, its items could be sent again
				s.assign(place)
			}
			s.replaceIfDrained(place)
			return
		}
	}
}

// Drain gives the worker nothing more; it is replaced as soon as it holds nothing.
func (s *Scheduler) Drain(place int) {
	if place < len(s.workers) && s.workers[place].ready {
		s.workers[place].drained = true
		s.replaceIfDrained(place)
	}
}

func (s *Scheduler) replaceIfDrained(place int) {
	w := &s.workers[place]
	if s.MaxTasks > 0 && w.tasks >= s.MaxTasks {
		w.drained = true
	}
	if w.drained && w.ready && w.flights.Len() == 0 {
		w.ready = false
		s.Actions = append(s.Actions, Action{Kind: Replace, Place: place})
	}
}

// Cancel cancels the call: no more of its items are sent, and each worker that holds some is told.
func (s *Scheduler) Cancel(c *Call) {
	if c.cancelled || c.finished {
		return
	}
	c.cancelled, c.again = true, nil
	s.queue.remove(c)
	for place := range s.workers {
		if s.holds(place, c) {
			s.Actions = append(s.Actions, Action{Kind: Cancel, Place: place, Call: c})
		}
	}
	s.finishIfDone(c)
	s.assignAll()
}

// holds reports whether the worker holds items of the call.
func (s *Scheduler) holds(place int, c *Call) bool {
	return place < len(s.workers) && slices.ContainsFunc(s.workers[place].flights.Items(), func(f flight) bool { return f.call == c })
}

// Idle reports whether the worker holds nothing.
func (s *Scheduler) Idle(place int) bool {
	return place >= len(s.workers) || s.workers[place].flights.Len() == 0
}

// Running returns how many items are at workers; an item at two counts twice.
func (s *Scheduler) Running() (items int) {
	for i := range s.workers {
		items += s.workers[i].holds
	}
	return items
}

func (s *Scheduler) finishIfDone(c *Call) {
	if c.finished || c.held > c.useless || c.delayed > 0 || !c.cancelled && !(c.Ended && c.answered == c.Have) {
		return
	}
	c.finished = true
	s.queue.remove(c)
	s.Actions = append(s.Actions, Action{Kind: Finish, Call: c})
}
