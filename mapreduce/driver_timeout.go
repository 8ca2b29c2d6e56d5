package mapreduce

import (
	"errors"
	"fmt"
	"time"

	"mrrun/transport"
)

// KillGrace is how long an item may run after its context has ended before its worker is killed.
const KillGrace = 100 * time.Millisecond

// lookAtItem kills the worker if its item has exceeded its timeout, or goes on although nobody
// wants its result any more.
func (s *supervisor) lookAtItem(l *link, seen *watched, now time.Time) {
	// This is not l.running: the worker may have begun another item just now.
	c, item := l.itemOf(seen.tag, seen.item)
	if c == nil {
		return
	}
	if since, ok := s.watch.given[c]; ok && now.Sub(since) >= KillGrace {
		reason := errors.New("another copy of its item was faster")
		if c.cause != nil {
			reason = fmt.Errorf("its call was cancelled: %w", c.cause)
		}
		l.killItem(c, item, reason)
		return
	}
	limit := c.options.timeout
	if limit > 0 && l.overdue(&seen.time, seen.tag, seen.item, limit) {
		l.victimStacks = l.stacksOf(seen.tag, seen.item)
		l.killItem(c, item, fmt.Errorf("%w of %v", ErrTimeout, limit))
	}
}

// An itemTime measures how long an item runs, as its driver sees it by looking from time to time.
// Time that the driver spends on what the worker prints, logs and answers is counted apart; time
// during which the worker is suspended does not count.
type itemTime struct {
	own    time.Duration
	driver time.Duration
	told   bool // the worker was told that the item's time is over

	at        time.Time // of the last look
	busy      time.Duration
	suspended time.Duration
}

// driverShare is how many times its timeout an item may run in all, including time that the driver
// spends: a task that prints for ever must end.
const driverShare = 10

func newItemTime(l *link, now time.Time) itemTime {
	return itemTime{at: now, busy: l.busy.Total(now), suspended: l.process.Suspended(now)}
}

// look adds the time since the last look, at most two ticks: if more passed, it was the driver that
// did not run.
func (t *itemTime) look(l *link, now time.Time, tick time.Duration) {
	last := *t
	t.at, t.busy, t.suspended = now, l.busy.Total(now), l.process.Suspended(now)
	passed := min(now.Sub(last.at), 2*tick)
	passed -= min(t.suspended-last.suspended, passed)
	driver := min(t.busy-last.busy, passed)
	t.driver += driver
	t.own += passed - driver
}

// over reports whether the item has used up its limit.
func (t *itemTime) over(limit time.Duration) bool {
	return t.own >= limit || t.own+t.driver >= driverShare*limit
}

// lookTick is the time between two looks at an item with this timeout: short enough to be exact to
// a tenth.
func lookTick(timeout time.Duration) time.Duration {
	return max(min(timeout/10, maxTick), time.Millisecond)
}

// overdue tells the worker when the time of an item is over, and reports whether the time that the
// item then has to return is over as well.
func (l *link) overdue(t *itemTime, tag uint32, offset int, timeout time.Duration) bool {
	if t.told {
		grace := min(KillGrace, timeout/10)
		return t.over(grace) && (l.stacksOf(tag, offset) != "" || t.over(grace+stacksGrace))
	}
	if t.over(timeout) {
		t.told, t.own, t.driver = true, 0, 0
		_, _ = l.requests.Add(kindExpire, tag, func(out *transport.Encoder) error {
			out.Uint(uint64(offset))
			return nil
		})
		l.dirty = true
	}
	return false
}
