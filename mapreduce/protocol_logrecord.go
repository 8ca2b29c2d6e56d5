package mapreduce

import (
	"log/slog"
	"math"
	"reflect"
	"time"

	"mrrun/transport"
)

// This file encodes and decodes the parts of a log record.

// levelOffset makes all usual levels positive.
const levelOffset = 1 << 10

// An attribute travels as its key, a byte for its kind, and its value. Values of other kinds travel
// as text.
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
		encodeTime(out, v.Time())
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
	switch kind {
	case attrText:
		text, err := in.String()
		return slog.String(key, text), err
	case attrTime:
		t, err := decodeTime(in)
		return slog.Time(key, t), err
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
	default:
		return slog.Duration(key, time.Duration(n)), err
	}
}

// encodeTime writes any time with the offset of its zone, including times that are zero or outside
// the range of UnixNano.
// encodeTime writes a time with its zone; the zero time takes one byte.
func encodeTime(out *transport.Encoder, t time.Time) {
	if t.IsZero() {
		out.Blob(nil)
		return
	}
	b, err := t.MarshalBinary()
	if err != nil { // the offset of the zone is out of range
		b, _ = t.UTC().MarshalBinary()
	}
	out.Blob(b)
}

func decodeTime(in *transport.Decoder) (t time.Time, err error) {
	b, err := in.Blob()
	if err != nil || len(b) == 0 {
		return t, err
	}
	return t, t.UnmarshalBinary(b)
}

// codeStart is the address of a function of this program, which differs between its processes.
var codeStart = reflect.ValueOf(Main).Pointer()

// encodeSource writes where a record was made: as a distance from codeStart, which is as good as a
// program counter in a process of the same program, and as text for other programs.
func encodeSource(out *transport.Encoder, r *slog.Record) {
	source := r.Source()
	if source == nil {
		source = &slog.Source{}
	}
	out.Uint(uint64(r.PC - codeStart))
	out.String(source.Function)
	out.String(source.File)
	out.Uint(uint64(source.Line))
}

// decodeSource sets the source of a record. If another program made the record, the source becomes
// an attribute.
func decodeSource(in *transport.Decoder, r *slog.Record) error {
	distance, err := in.Uint()
	if err != nil {
		return err
	}
	var source slog.Source
	if source.Function, err = in.String(); err != nil {
		return err
	}
	if source.File, err = in.String(); err != nil {
		return err
	}
	line, err := in.Uint()
	if err != nil {
		return err
	}
	source.Line = int(line)
	if source == (slog.Source{}) {
		return nil
	}
	r.PC = codeStart + uintptr(distance)
	if here := r.Source(); here == nil || *here != source {
		r.PC = 0
		r.AddAttrs(slog.Any(slog.SourceKey, &source))
	}
	return nil
}
