package mapreduce

import (
	"log/slog"
	"time"
)

// An alarm is a log record about a worker that may never answer: it is stopped, or runs an item for
// far longer than all others of the call took. The pool does nothing about it, since only the user
// knows whether that is in order.
var (
	alarmTick    = time.Second      // time between two looks
	stoppedAlarm = 5 * time.Second  // how long a worker must be stopped to be reported
	slowAlarm    = 10 * time.Second // how long an item must run, at least, to be reported
)

const (
	slowTimes = 10 // a reported item runs so many times as long as the longest answered chunk
	slowFrom  = 10 // items that must be answered first: fewer do not show what is usual
)

// alarms is what a watch knows about the alarms of one worker.
type alarms struct {
	at          time.Time // of the last look
	stopped     time.Duration
	toldStopped bool
	toldSlow    bool // about the item that it runs
}

// lookForAlarm looks whether a worker that has something to do needs an alarm. The watch calls it
// at each look.
func (s *supervisor) lookForAlarm(l *link, seen *watched, now time.Time, busy bool) {
	// If more time passed, it was the driver that did not run.
	a, passed := &seen.alarms, min(now.Sub(seen.alarms.at), 2*s.watch.every)
	a.at = now
	if l.process.IsSuspended() {
		a.stopped += passed
		if a.stopped >= stoppedAlarm && !a.toldStopped {
			a.toldStopped = true
			s.alarm("mapreduce: a worker is stopped, and its work waits", l, a.stopped, "stopped")
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
		s.alarm("mapreduce: an item runs far longer than all others of its call", l, ran, l.process.State())
	}
}

// alarm logs about a worker and the item that it runs.
func (s *supervisor) alarm(message string, l *link, since time.Duration, state string) {
	attrs := []slog.Attr{slog.Int("worker", l.id), slog.Int("pid", l.process.PID())}
	if c, item := l.running(); c != nil {
		attrs = append(attrs, slog.String("task", c.task.name), slog.Int("item", item))
	}
	s.reports.add(message, append(attrs, slog.Duration("for", since.Round(time.Millisecond)), slog.String("state", state))...)
}

// holds reports whether the worker has something to do.
func (l *link) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent.Len() > 0
}

// count records a chunk that was answered: none of its items took longer than the chunk.
func (c *call) count(items int, took time.Duration) {
	c.answered += items
	c.longest = max(c.longest, took)
}
