package mapreduce

import (
	"log/slog"
	"time"
)

// An alarm is a line in the log about a worker that may never answer: it is stopped, or runs an item for far longer than all
// others of the call took. Nothing is done about it, as nobody but the user knows whether it is in order.
var (
	alarmTick    = time.Second      // from one look to the next
	stoppedAlarm = 5 * time.Second  // how long a worker is stopped before it is told
	slowAlarm    = 10 * time.Second // the least time of an item that is told
)

const (
	slowTimes = 10 // an item that is told runs so many times as long as the longest chunk that was answered
	slowFrom  = 10 // so many items must have been answered: fewer do not show what is usual
)

// alarms is what a watch knows of one worker.
type alarms struct {
	at          time.Time // of the last look
	stopped     time.Duration
	toldStopped bool
	toldSlow    bool // the item that it runs
}

// lookForAlarm is called at each look for a worker that has something to do.
func (p *Pool) lookForAlarm(l *link, seen *watched, now time.Time, busy bool) {
	a, passed := &seen.alarms, min(now.Sub(seen.alarms.at), 2*p.watch.every) // if it is more, it was the driver that did not run
	a.at = now
	if l.process.IsSuspended() {
		a.stopped += passed
		if a.stopped >= stoppedAlarm && !a.toldStopped {
			a.toldStopped = true
			p.alarm("mapreduce: a worker is stopped, and what it has to do waits", l, a.stopped, "stopped")
		}
		return
	}
	a.stopped, a.toldStopped = 0, false
	c, _ := l.itemOf(seen.tag, seen.item)
	if !busy || a.toldSlow || c == nil || c.options.timeout > 0 || c.answered < slowFrom {
		return
	}
	if ran := seen.time.own + seen.time.driver; ran >= slowAlarm && ran >= slowTimes*c.longest {
		a.toldSlow = true
		p.alarm("mapreduce: an item runs far longer than all others of its call", l, ran, l.process.State())
	}
}

// alarm logs about a worker and the item that it runs.
func (p *Pool) alarm(message string, l *link, since time.Duration, state string) {
	attrs := []slog.Attr{slog.Int("worker", l.id), slog.Int("pid", l.process.PID())}
	if c, item := l.running(); c != nil {
		attrs = append(attrs, slog.String("task", c.task.name), slog.Int("item", item))
	}
	p.reports.add(message, append(attrs, slog.Duration("for", since.Round(time.Millisecond)), slog.String("state", state))...)
}

// holds reports whether the worker has something to do.
func (l *link) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent) > 0
}

// count takes the time of a chunk that was answered: none of its items has taken longer.
func (c *call) count(items int, took time.Duration) {
	c.answered += items
	c.longest = max(c.longest, took)
}
