package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"time"

	"mrrun/transport"
)

// Logger has log records of workers handled by h: what tasks log by [log/slog] or [log] travels to the driver, with the
// attributes worker and item added, or process, the name of one that [Task.Start] started. Without, they go to the handler of [slog.Default].
// Groups arrive as keys with dots, values that slog has no kind for as text. h is called from several goroutines at once,
// for records that its Enabled wants, and must not wait for the pool; its errors are ignored, its panics reported to standard error.
func Logger(h slog.Handler) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.logger = h
		return nil
	})
}

// A logHandler is the handler of slog in a worker: it sends records to the driver.
type logHandler struct {
	server *server
	attrs  []slog.Attr // from WithAttrs, with the groups in their keys
	prefix string      // of the keys: open groups
}

// Enabled implements [slog.Handler]. The driver's handler decides.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.server, h.attrs, h.prefix + name + "."}
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := slices.Clone(h.attrs)
	for _, a := range attrs {
		all = appendFlat(all, h.prefix, a)
	}
	return &logHandler{h.server, all, h.prefix}
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	all := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		all = appendFlat(all, h.prefix, a)
		return true
	})
	chunk, item, _ := h.server.worker.Note.Running() // now: it may be another one when the record arrives
	_, err := h.server.out.Add(kindLog, chunk, func(out *transport.Encoder) error {
		out.Uint(uint64(item))
		out.Uint(uint64(r.Time.UnixNano()))
		out.Uint(uint64(r.Level + levelOffset))
		out.String(r.Message)
		out.Uint(uint64(len(all)))
		for _, a := range all {
			encodeAttr(out, a)
		}
		return nil
	})
	h.server.sendLater()
	return err
}

// levelOffset makes all usual levels positive.
const levelOffset = 1 << 10

// appendFlat appends an attribute, and those of a group one by one with the group in their keys.
func appendFlat(to []slog.Attr, prefix string, a slog.Attr) []slog.Attr {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return to // as the documentation of Handler wants it
	}
	if value.Kind() != slog.KindGroup {
		return append(to, slog.Attr{Key: prefix + a.Key, Value: value})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range value.Group() {
		to = appendFlat(to, prefix, member)
	}
	return to
}

// An attribute travels as its key, a byte for the kind, and its value; any other kind as text.
const (
	attrText = iota
	attrInt
	attrBool
	attrDuration
	attrUint
	attrFloat
	attrTime
)

func encodeAttr(out *transport.Encoder, a slog.Attr) {
	out.String(a.Key)
	switch v := a.Value; v.Kind() {
	case slog.KindInt64:
		_ = out.WriteByte(attrInt)
		out.Uint(uint64(v.Int64()))
	case slog.KindBool:
		_ = out.WriteByte(attrBool)
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		out.Uint(n)
	case slog.KindDuration:
		_ = out.WriteByte(attrDuration)
		out.Uint(uint64(v.Duration()))
	case slog.KindUint64:
		_ = out.WriteByte(attrUint)
		out.Uint(v.Uint64())
	case slog.KindFloat64:
		_ = out.WriteByte(attrFloat)
		out.Uint(math.Float64bits(v.Float64()))
	case slog.KindTime:
		_ = out.WriteByte(attrTime)
		out.Uint(uint64(v.Time().UnixNano()))
	default:
		_ = out.WriteByte(attrText)
		out.String(v.String())
	}
}

func decodeAttr(in *transport.Decoder) (slog.Attr, error) {
	key, err := in.String()
	if err != nil {
		return slog.Attr{}, err
	}
	kind, err := in.ReadByte()
	if err != nil {
		return slog.Attr{}, err
	}
	if kind == attrText {
		text, err := in.String()
		return slog.String(key, text), err
	}
	n, err := in.Uint()
	switch kind {
	case attrInt:
		return slog.Int64(key, int64(n)), err
	case attrBool:
		return slog.Bool(key, n != 0), err
	case attrUint:
		return slog.Uint64(key, n), err
	case attrFloat:
		return slog.Float64(key, math.Float64frombits(n)), err
	case attrTime:
		return slog.Time(key, time.Unix(0, int64(n))), err
	default:
		return slog.Duration(key, time.Duration(n)), err
	}
}

// log hands a record of a worker to the driver's handler. chunk is what the worker ran when it was made.
func (l *link) log(chunk uint32, body []byte) error {
	in := transport.NewDecoder(body)
	var offset, nanos, level, count uint64
	if err := decodeUints(in, &offset, &nanos, &level); err != nil {
		return err
	}
	message, err := in.String()
	if err != nil {
		return err
	}
	if err := decodeUints(in, &count); err != nil {
		return err
	}
	r := slog.NewRecord(time.Unix(0, int64(nanos)), slog.Level(level)-levelOffset, message, 0)
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
	handler := l.pool.options.logger
	if handler == nil {
		handler = slog.Default().Handler()
	}
	handleSafely(handler, r)
	return nil
}

// handleSafely lets a broken handler lose its record, not its pool. Errors are ignored, as [slog.Logger] does.
func handleSafely(handler slog.Handler, r slog.Record) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "mapreduce: the log handler panicked: %v\n", p)
		}
	}()
	if handler.Enabled(context.Background(), r.Level) {
		_ = handler.Handle(context.Background(), r)
	}
}
