package transport

import (
	"encoding/binary"
	"math"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// No-op tasks spend most of their time on single numbers, so this file writes and reads their codes
// directly, not through interfaces. It leaves codes that it does not write to the library.

// Uint appends a count or an index.
func (e *Encoder) Uint(n uint64) {
	switch {
	case n <= math.MaxInt8:
		e.buf = append(e.buf, byte(n))
	case n <= math.MaxUint8:
		e.buf = append(e.buf, msgpcode.Uint8, byte(n))
	case n <= math.MaxUint16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, msgpcode.Uint16), uint16(n))
	case n <= math.MaxUint32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, msgpcode.Uint32), uint32(n))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, msgpcode.Uint64), n)
	}
}

func (e *Encoder) int(n int64) {
	switch {
	case n >= 0:
		e.Uint(uint64(n))
	case n >= -32:
		e.buf = append(e.buf, byte(n))
	case n >= math.MinInt8:
		e.buf = append(e.buf, msgpcode.Int8, byte(n))
	case n >= math.MinInt16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, msgpcode.Int16), uint16(n))
	case n >= math.MinInt32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, msgpcode.Int32), uint32(n))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, msgpcode.Int64), uint64(n))
	}
}

func (e *Encoder) float(x float64) {
	e.buf = binary.BigEndian.AppendUint64(append(e.buf, msgpcode.Double), math.Float64bits(x))
}

// Uint takes a count or an index.
func (d *Decoder) Uint() (uint64, error) {
	if n, ok := d.unsigned(); ok {
		return n, nil
	}
	return d.mp.DecodeUint64()
}

func (d *Decoder) int() (int64, error) {
	if n, ok := d.unsigned(); ok {
		return int64(n), nil
	}
	return d.mp.DecodeInt64()
}

// unsigned takes a number that is not negative, if one comes next.
func (d *Decoder) unsigned() (n uint64, ok bool) {
	b := d.body[d.off:]
	size := 1
	switch {
	case len(b) > 0 && b[0] <= msgpcode.PosFixedNumHigh:
		n = uint64(b[0])
	case len(b) > 1 && b[0] == msgpcode.Uint8:
		n, size = uint64(b[1]), 2
	case len(b) > 2 && b[0] == msgpcode.Uint16:
		n, size = uint64(binary.BigEndian.Uint16(b[1:])), 3
	case len(b) > 4 && b[0] == msgpcode.Uint32:
		n, size = uint64(binary.BigEndian.Uint32(b[1:])), 5
	case len(b) > 8 && b[0] == msgpcode.Uint64:
		n, size = binary.BigEndian.Uint64(b[1:]), 9
	default:
		return 0, false
	}
	d.off += size
	return n, true
}

func (d *Decoder) float() (float64, error) {
	if b := d.body[d.off:]; len(b) > 8 && b[0] == msgpcode.Double {
		d.off += 9
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), nil
	}
	return d.mp.DecodeFloat64()
}
