package mapreduce

import (
	"log/slog"
	"strings"
	"time"
)

// reports is the pool's own log: one record for each worker that it loses. The handler may be slow,
// so the pool does not wait for it before the end, and bounds the rate of records.
type reports struct {
	queue   logQueue
	allowed float64 // records that were allowed at the time last
	last    time.Time
	omitted int // records omitted since then
}

const (
	reportBurst = 50 // reports that may come at once
	reportRate  = 10 // reports per second after that
)

func (r *reports) init(h *host) {
	r.queue.init(1, h.handleLog)
	r.allowed, r.last = reportBurst, time.Now()
}

// add logs a record, unless there have been too many.
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

// end logs how many records were omitted, and waits for the handler.
func (r *reports) end() {
	if r.omitted > 0 {
		r.allowed = reportBurst
		r.add("mapreduce: more workers were lost than the log shows")
	}
	r.queue.drain()
}

// attrs returns attributes that say which worker it is and, if it ended, how.
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
