package mapreduce

import (
	"log/slog"
	"strings"
	"time"
)

// Reports are what a pool logs itself: one record for each worker that it loses. Its handler may be slow, and is not
// waited for before the pool ends; it may be in trouble enough, so that only so many are logged.
type reports struct {
	queue   logQueue
	allowed float64 // at the last one
	last    time.Time
	omitted int // since then
}

const (
	reportBurst = 50 // reports that may come at once
	reportRate  = 10 // reports per second after that
)

func (r *reports) init(p *Pool) {
	r.queue.init(1, p.handleLog)
	r.allowed, r.last = reportBurst, time.Now()
}

// add logs a record, unless there were too many.
func (r *reports) add(message string, attrs ...slog.Attr) {
	now := time.Now()
	r.allowed = min(r.allowed+reportRate*now.Sub(r.last).Seconds(), reportBurst)
	r.last = now
	if r.allowed < 1 {
		r.omitted++
		return
	}
	r.allowed--
	record := slog.NewRecord(now, slog.LevelWarn, message, 0)
	record.AddAttrs(attrs...)
	if r.omitted > 0 {
		record.AddAttrs(slog.Int("omitted", r.omitted))
		r.omitted = 0
	}
	r.queue.put(record, 0)
}

// end logs how many were not, and waits for the handler.
func (r *reports) end() {
	if r.omitted > 0 {
		r.allowed = reportBurst
		r.add("mapreduce: workers were lost that are not in the log")
	}
	r.queue.drain()
}

// attrs says which worker it is, and how it ended if it did.
func (l *link) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.Int("worker", l.id)}
	if l.process != nil {
		attrs = append(attrs, slog.Int("pid", l.process.PID()), slog.String("end", l.process.Exit().String()))
	}
	switch {
	case l.reason != nil:
		attrs = append(attrs, slog.Any("reason", l.reason))
	case l.noThread():
		attrs = append(attrs, slog.String("reason", strings.TrimPrefix(l.process.Exit().LastWords(), "; ")))
	}
	return attrs
}
