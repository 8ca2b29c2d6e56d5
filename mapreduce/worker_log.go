package mapreduce

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"mrrun/transport"
)

// A logHandler is the [slog.Handler] of a worker. It sends each record to the driver at once, since
// the worker may be about to end. A full pipe blocks the goroutine that logs.
type logHandler struct {
	worker *worker
	attrs  []slog.Attr // from WithAttrs, with groups as prefixes of the keys
	prefix string      // prefix of the keys: the open groups
}

// Enabled implements [slog.Handler]. It follows the driver's handler, as that was when the call
// began whose item the worker ran last.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	lowest := h.worker.logLevel.Load()
	return lowest == 0 || level+levelOffset >= slog.Level(lowest)
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &logHandler{h.worker, h.attrs, h.prefix + name + "."}
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := slices.Clone(h.attrs)
	for _, a := range attrs {
		all = appendFlat(all, h.prefix, a)
	}
	return &logHandler{h.worker, all, h.prefix}
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	all := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		all = appendFlat(all, h.prefix, a)
		return true
	})
	chunk, item, _ := h.worker.process.Note.Running() // asked now: the worker will move on
	body := logBodies.Get().(*transport.Encoder)
	defer logBodies.Put(body)
	body.Truncate(0)
	body.Uint(uint64(item))
	encodeTime(body, r.Time)
	body.Uint(uint64(r.Level + levelOffset))
	body.String(r.Message)
	encodeSource(body, &r)
	body.Uint(uint64(len(all)))
	for _, a := range all {
		encodeAttr(body, a)
	}
	_, err := h.worker.out.AddBody(kindLog, chunk, body)
	body.Trim()
	if err != nil {
		return err
	}
	return h.worker.out.Flush()
}

// logBodies holds encoders for records. They never lie in shared memory, which would vanish with
// the worker.
var logBodies = sync.Pool{New: func() any { return transport.NewEncoder(nil) }}

// appendFlat appends an attribute, or the members of a group one by one, with the group as a prefix
// of their keys.
func appendFlat(to []slog.Attr, prefix string, a slog.Attr) []slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return to // as slog.Handler requires
	}
	if a.Value.Kind() != slog.KindGroup {
		return append(to, slog.Attr{Key: prefix + a.Key, Value: a.Value})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range a.Value.Group() {
		to = appendFlat(to, prefix, member)
	}
	return to
}
