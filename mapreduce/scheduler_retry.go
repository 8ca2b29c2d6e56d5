package mapreduce

import (
	"fmt"
)

// DefaultRetries is how often an item whose worker was lost is tried again unless [Retries] says
// otherwise.
const DefaultRetries = 2

// Retries sets how often an item whose worker died while it ran is tried again; the default is
// [DefaultRetries], and 0 means never. Errors, panics, timeouts and exceeded memory limits are
// never retried.
func Retries(n int) Option {
	return bothFunc(func(o *callOptions) error {
		if n < 0 {
			return fmt.Errorf("mapreduce: Retries(%d): takes a number from 0", n)
		}
		o.retries = n
		return nil
	})
}

// lost records that the worker in this slot is gone. If it was running an item of a call, that item
// is to blame: it is tried again or, if final, given up at once. A nil call blames no item. All
// other items that the worker held are sent again.
func (d *scheduler) lost(slot int, running *callState, item int, final bool) {
	if slot >= len(d.workers) {
		return
	}
	flights := d.workers[slot].flights
	d.workers[slot] = workerState{}
	for _, f := range flights {
		c := f.call
		if last := f.land(); c.cancelled || !last {
			d.alone(f.copies)
			d.finishIfDone(c)
			continue
		}
		if c == running && f.first <= item && item < f.end {
			d.blame(c, item, final)
			d.sendAgain(c, span{f.first, item})
			d.sendAgain(c, span{item + 1, f.end})
			running = nil
		} else {
			d.sendAgain(c, f.span)
		}
		d.finishIfDone(c)
	}
	d.assignAll()
}

func (d *scheduler) blame(c *callState, item int, final bool) {
	if c.attempts == nil {
		c.attempts = make(map[int]int)
	}
	c.attempts[item]++
	a := action{kind: actDelay, call: c, span: span{item, item + 1}, attempt: c.attempts[item]}
	if final || a.attempt > c.retries {
		a.kind = actGiveUp
		c.answered++
	} else {
		c.delayed++
	}
	d.actions = append(d.actions, a)
}

func (d *scheduler) sendAgain(c *callState, s span) {
	if s.size() > 0 {
		c.again = append(c.again, s)
		d.queue.pushFront(c)
	}
}

// retry sends an item again when the pause after the loss of its worker is over.
func (d *scheduler) retry(c *callState, item int) {
	c.delayed--
	if c.cancelled {
		d.finishIfDone(c)
		return
	}
	d.sendAgain(c, span{item, item + 1})
	d.assignAll()
}
