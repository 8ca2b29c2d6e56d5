package mapreduce

import (
	"context"
	"log/slog"

	"mrrun/transport"
)

// Logger has log records of workers handled by h: what tasks log by [log/slog] or [log] travels to the driver, with the
// attributes worker and item added, or process, the name of one that [Task.Start] started. A pool logs there too that it has
// lost a worker, that one which has something to do has been stopped for 5 s, and that an item without a [Timeout] has run
// for 10 s and for 10 times as long as any before it in its call: one record each, unless there are very many. Without, all
// goes to the handler of [slog.Default].
//
// Groups arrive as keys with dots, values that slog has no kind for as text; times and the source line arrive as they are. A
// record has left its worker when the call that logs it returns, so that it arrives whatever becomes of the worker then;
// where h is slow, and 16 MiB wait for it, that call waits. All that an item has logged is handled before its result is
// there.
//
// h is called from several goroutines at once, for records that its Enabled wants, and must not wait for the pool; its errors
// are ignored, its panics reported to standard error.
func Logger(h slog.Handler) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.logger = h
		return nil
	})
}

// log has a record of a worker handled by the driver's handler. chunk is what the worker ran when it was made.
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

// handleLog lets a broken handler lose its record, not its pool. Errors are ignored, as [slog.Logger] does.
func (h *host) handleLog(r slog.Record) {
	handler := h.options.logger
	if handler == nil {
		handler = slog.Default().Handler()
	}
	callUser("the log handler", func() {
		if handler.Enabled(context.Background(), r.Level) {
			_ = handler.Handle(context.Background(), r)
		}
	})
}
