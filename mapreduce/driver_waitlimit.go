package mapreduce

import (
	"errors"
	"fmt"
	"time"

	"mrrun/mapreduce/internal/schedule"
)

// ErrWaitLimit is wrapped by the error of an item that waited longer than its [WaitLimit].
var ErrWaitLimit = errors.New("mapreduce: the item had not begun within its wait limit")

// WaitLimit sets how long an item may wait for a worker, counted from the beginning of its call, or
// from when [Task.Imap] takes it from its input. An item that has not begun by then never will: it
// fails with an error that says how long it waited, in which [errors.Is] finds [ErrWaitLimit].
// Nothing else is disturbed. 0, the default, means no limit. [Timeout] limits the time for which an
// item runs.
//
// So that no item waits behind another at a worker, items are sent one at a time, to workers that
// have nothing else to do; with a [Chunksize], those of one chunk begin together. WaitLimit suits
// items that take longer than the 50 µs that this costs.
func WaitLimit(d time.Duration) Option {
	return bothFunc(func(o *callOptions) error {
		if d < 0 {
			return fmt.Errorf("mapreduce: WaitLimit(%v): must be positive, or 0 for none", d)
		}
		o.waitLimit = d
		return nil
	})
}

// A waiting records since when the unsent items of a call have existed. Only the supervisor uses
// it.
type waiting struct {
	arrivals []arrival   // oldest first
	timer    *time.Timer // for the oldest arrival, or an earlier one; nil: none
}

// An arrival is the time at which the items before upTo came.
type arrival struct {
	upTo int
	at   time.Time
}

// arrived records that items of the call may have come.
func (s *supervisor) arrived(c *call) {
	if c.options.waitLimit == 0 {
		return
	}
	w := c.waiting
	for len(w.arrivals) > 0 && w.arrivals[0].upTo <= c.state.Next() { // they have begun
		w.arrivals = w.arrivals[1:]
	}
	known := c.state.Next()
	if n := len(w.arrivals); n > 0 {
		known = w.arrivals[n-1].upTo
	}
	if c.state.Have > known {
		w.arrivals = append(w.arrivals, arrival{c.state.Have, time.Now()})
		s.awaitLimit(c, c.options.waitLimit)
	}
}

func (s *supervisor) awaitLimit(c *call, d time.Duration) {
	if c.waiting.timer == nil {
		c.waiting.timer = time.AfterFunc(d, func() { s.inbox.put(event{kind: evWaited, call: c}) })
	}
}

// waited fails the items that have waited too long.
func (s *supervisor) waited(c *call) {
	w := c.waiting
	w.timer = nil
	for len(w.arrivals) > 0 {
		oldest := w.arrivals[0]
		waited := time.Since(oldest.at)
		if rest := c.options.waitLimit - waited; rest > 0 {
			s.awaitLimit(c, rest)
			return
		}
		w.arrivals = w.arrivals[1:]
		s.expired(c, s.scheduler.Expire(&c.state, oldest.upTo), waited)
	}
}

// expired fails the items that have waited too long.
func (s *supervisor) expired(c *call, late schedule.Span, waited time.Duration) {
	for i := late.First; i < late.End; i++ {
		s.numbers.Done++
		s.numbers.Failed++
		failure := newTaskError(fmt.Errorf("%w of %v: it waited for %v", ErrWaitLimit, c.options.waitLimit, waited.Round(time.Millisecond)))
		failure.Index = i
		err := c.items.lose(failure)
		s.tellGivenUp(c, failure, 0, 0)
		if err != nil {
			s.fail(c, err)
			return
		}
	}
}

// stopWaiting stops the timer of a call that is over.
func (c *call) stopWaiting() {
	if c.waiting != nil && c.waiting.timer != nil {
		c.waiting.timer.Stop()
	}
}
