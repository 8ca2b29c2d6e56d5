package mapreduce

import (
	"context"
	"log/slog"
	"sort"

	"mrrun/transport"
)

// Logger sends log records of workers to h. What tasks log with [log/slog] or [log] travels to the
// driver, which adds the attributes worker and item, or process, the name of a process that
// [Task.Start] started. A pool itself logs there too: that it lost a worker, that a worker with
// something to do has been stopped for 5 s, and that an item without a [Timeout] has run for 10 s
// and for 10 times as long as any before it in its call. That is one record each, unless there are
// very many. Without Logger, all records go to the handler of [slog.Default].
//
// Groups arrive as keys with dots, and values of a kind unknown to slog as text; times and source
// lines arrive unchanged. A record has left its worker when the call that logs it returns, so it
// arrives whatever happens to the worker then. If h is slow and 16 MiB wait for it, that call
// blocks. All records of an item are handled before its result is available.
//
// Several goroutines call h at once, for records that its Enabled accepts. A worker learns the
// lowest level that h takes when a call begins, and its own default handler is enabled from there
// on. h must not wait for the pool. Its errors are ignored; its panics are reported to standard
// error.
func Logger(h slog.Handler) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.logger = h
		return nil
	})
}

// log queues a record of a worker for the driver's handler. chunk is the chunk that the worker was
// running when it made the record.
func (l *link) log(chunk uint32, body []byte) error {
	in := transport.NewDecoder(body)
	var offset, level, count uint64
	if err := decodeUints(in, &offset); err != nil {
		return err
	}
	made, err := decodeTime(in)
	if err != nil {
		return err
	}
	if err := decodeUints(in, &level); err != nil {
		return err
	}
	message, err := in.String()
	if err != nil {
		return err
	}
	r := slog.NewRecord(made, slog.Level(level)-levelOffset, message, 0)
	if err := decodeSource(in, &r); err != nil {
		return err
	}
	if err := decodeUints(in, &count); err != nil {
		return err
	}
	for range count {
		a, err := decodeAttr(in)
		if err != nil {
			return err
		}
		r.AddAttrs(a)
	}
	if l.name != "" {
		r.AddAttrs(slog.String("process", l.name))
	} else {
		r.AddAttrs(slog.Int("worker", l.id))
		if c, item := l.itemOf(chunk, int(offset)); c != nil {
			r.AddAttrs(slog.Int("item", item))
		}
	}
	l.logs.put(r, len(body))
	return nil
}

// handleLog calls the handler such that a broken one loses its record, not its pool. Like
// [slog.Logger], it ignores errors.
func (h *host) handleLog(r slog.Record) {
	handler := h.logHandler()
	callUser("the log handler", func() {
		if handler.Enabled(context.Background(), r.Level) {
			_ = handler.Handle(context.Background(), r)
		}
	})
}

// logHandler returns the handler of the workers' log records.
func (h *host) logHandler() slog.Handler {
	if h.options.logger != nil {
		return h.options.logger
	}
	return slog.Default().Handler()
}

// lowestLevel returns the lowest level that the handler takes now, plus levelOffset, or 0 if it
// takes all. A worker learns it with each call, so that a record that nobody takes costs it next to
// nothing.
func (h *host) lowestLevel() (level uint64) {
	handler := h.logHandler()
	if isOfSlog(handler) {
		return lowestOf(handler)
	}
	callUser("the log handler", func() { level = lowestOf(handler) })
	return level
}

// isOfSlog reports whether a handler is one of package slog: it neither panics nor waits, so that
// nothing has to contain it, which would cost each call a goroutine.
func isOfSlog(handler slog.Handler) bool {
	switch handler.(type) {
	case *slog.TextHandler, *slog.JSONHandler:
		return true
	}
	return handler == firstHandler
}

// firstHandler is the handler of [slog.Default] before the program sets another.
var firstHandler = slog.Default().Handler()

func lowestOf(handler slog.Handler) uint64 {
	const least, most = slog.LevelDebug - 12, slog.LevelError + 12
	n := sort.Search(int(most-least), func(i int) bool { return handler.Enabled(context.Background(), least+slog.Level(i)) })
	if n == 0 {
		return 0
	}
	return uint64(least + slog.Level(n) + levelOffset)
}
