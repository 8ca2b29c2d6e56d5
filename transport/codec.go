package transport

import (
	"fmt"
	"io"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// An Encoder appends msgpack values to a buffer. It is not safe for concurrent use.
type Encoder struct {
	buf  []byte
	mp   *msgpack.Encoder // writes to buf, through Write and WriteByte
	bulk *bulk            // where large bodies go; nil: into buf
	to   string           // who receives the values; "": unknown

	cargo *Cargo // collects what the values refer to; nil: nothing is collected
	kept  bool   // see KeptBySender
}

// NewEncoder returns an Encoder that appends to buf, which may be nil.
func NewEncoder(buf []byte) *Encoder {
	e := &Encoder{buf: buf}
	e.mp = msgpack.NewEncoder(e)
	e.mp.UseCompactInts(true)
	e.mp.UseArrayEncodedStructs(true)
	return e
}

// SetReceiver names the receiver of the values that are encoded from now on.
func (e *Encoder) SetReceiver(name string) { e.to = name }

// Receiver returns the name that SetReceiver set. Types that encode themselves find the Encoder as
// the Writer of their msgpack encoder.
func (e *Encoder) Receiver() string { return e.to }

// Bytes returns the buffer: its first contents and all that was written since. It is valid until
// the next write.
func (e *Encoder) Bytes() []byte { return e.buf }

// Len returns the number of bytes in the buffer.
func (e *Encoder) Len() int { return len(e.buf) }

// Truncate drops all but the first n bytes of the buffer.
func (e *Encoder) Truncate(n int) { e.buf = e.buf[:n] }

// Write appends raw bytes; it never fails.
func (e *Encoder) Write(p []byte) (int, error) {
	if len(p) >= bulkSize && e.bulk != nil {
		e.makeRoom(len(p))
	}
	e.buf = append(e.buf, p...)
	return len(p), nil
}

// WriteByte appends one raw byte; it never fails.
func (e *Encoder) WriteByte(c byte) error {
	e.buf = append(e.buf, c)
	return nil
}

// String appends a string.
func (e *Encoder) String(s string) { _ = e.mp.EncodeString(s) }

// Blob appends bytes with their length, for [Decoder.Blob].
func (e *Encoder) Blob(b []byte) { _ = e.mp.EncodeBytes(b) }

// A Decoder takes msgpack values from a body. It is not safe for concurrent use.
type Decoder struct {
	body []byte
	off  int
	mp   *msgpack.Decoder // reads body, through Read, ReadByte and UnreadByte
	loan *loan            // of the body; nil: the caller owns its memory

	ownsViews bool
	views     []func() // these release the owned views
}

// NewDecoder returns a Decoder of body.
func NewDecoder(body []byte) *Decoder {
	d := &Decoder{}
	d.mp = msgpack.NewDecoder(d)
	d.Reset(body)
	return d
}

// Reset starts over with another body.
func (d *Decoder) Reset(body []byte) { d.body, d.off, d.loan = body, 0, nil }

// Renew makes the Decoder as good as a new one, without a body, whatever a user's decoding methods
// did to it.
func (d *Decoder) Renew() {
	d.Reset(nil)
	d.ownsViews = false
	d.mp.Reset(d)
}

// ResetFrame starts over with the body of a frame. A large [View] that is decoded from a body in
// shared memory stays there, and keeps the memory until its release.
func (d *Decoder) ResetFrame(f Frame) {
	d.Reset(f.Body)
	d.loan = f.loan
}

// OwnViews makes the next ReleaseViews release each [View] that is decoded from now on, unless it
// was released before.
func (d *Decoder) OwnViews() { d.ownsViews = true }

// ReleaseViews releases the owned views; see OwnViews.
func (d *Decoder) ReleaseViews() {
	for _, release := range d.views {
		release()
	}
	d.views = nil
}

// Rest returns the bytes not yet taken.
func (d *Decoder) Rest() []byte { return d.body[d.off:] }

// Read takes raw bytes.
func (d *Decoder) Read(p []byte) (int, error) {
	if d.off == len(d.body) && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, d.body[d.off:])
	d.off += n
	return n, nil
}

// ReadByte takes one raw byte.
func (d *Decoder) ReadByte() (byte, error) {
	if d.off == len(d.body) {
		return 0, io.EOF
	}
	d.off++
	return d.body[d.off-1], nil
}

// UnreadByte unreads the last byte.
func (d *Decoder) UnreadByte() error {
	if d.off == 0 {
		return io.ErrNoProgress
	}
	d.off--
	return nil
}

// next takes n raw bytes without copying them.
func (d *Decoder) next(n int) ([]byte, error) {
	if n < 0 || n > len(d.body)-d.off {
		return nil, fmt.Errorf("value of %d bytes in a body with %d left: %w", n, len(d.body)-d.off, io.ErrUnexpectedEOF)
	}
	d.off += n
	return d.body[d.off-n : d.off], nil
}

// String takes a string.
func (d *Decoder) String() (string, error) {
	b, err := d.Blob()
	return string(b), err
}

// Blob takes bytes, or the bytes of a string, without copying them: they are part of the body. It
// returns nil for nil.
func (d *Decoder) Blob() ([]byte, error) {
	n, err := d.mp.DecodeBytesLen()
	if err != nil || n == -1 {
		return nil, err
	}
	return d.next(n)
}

// A Codec encodes and decodes values of one type. It is safe for concurrent use.
type Codec[T any] struct {
	encode  func(*Encoder, *T) error
	decode  func(*Decoder, *T) error
	refers  bool // a value may refer to shared objects
	methods bool // T, or a part of it, encodes itself
}

// NewCodec returns the codec of T, or a [TypeError] if values of T would arrive changed.
func NewCodec[T any]() (*Codec[T], error) {
	t := reflect.TypeFor[T]()
	w, err := walkType(t)
	if err != nil {
		return nil, err
	}
	if c := bigCodec[T](); c != nil {
		return c, nil
	}
	if !codesItself(t) {
		if c := kindCodec[T](t); c != nil {
			return c, nil
		}
	}
	c := generalCodec[T](w.exts)
	c.refers, c.methods = w.refers, w.methods
	return c, nil
}

// Encode appends *v. After an error the buffer may hold a part of it; truncate it.
func (c *Codec[T]) Encode(e *Encoder, v *T) error { return c.encode(e, v) }

// Decode takes a value into *v, which must be a zero value. Whatever the body holds, Decode does
// not panic, and the memory it takes is proportional to the size of the body, with one exception:
// if T has both a map and a part that may be any msgpack extension, a [time.Time] or a type with
// methods for msgpack, a broken body can make it take room for a million entries.
func (c *Codec[T]) Decode(d *Decoder, v *T) error { return c.decode(d, v) }

// generalCodec leaves the work to the msgpack library. It passes a pointer, so that the library
// finds methods with pointer receivers. For exts see checkLengths.
func generalCodec[T any](exts bool) *Codec[T] {
	return &Codec[T]{
		encode: func(e *Encoder, v *T) (err error) {
			defer caught(&err, "encode %T", v)
			return e.mp.Encode(v)
		},
		decode: func(d *Decoder, v *T) (err error) {
			defer caught(&err, "decode %T", v)
			if err := checkLengths(d.Rest(), exts); err != nil {
				return err
			}
			return d.mp.Decode(v)
		},
	}
}

// caught turns a panic of a user's method, or of the library on an invalid body, into an error.
func caught(err *error, doing string, v any) {
	if p := recover(); p != nil {
		*err = fmt.Errorf(doing+": panic: %v", v, p)
	}
}

// kindCodec returns the fast codec of a type whose kind says all, without reflection or allocation;
// it returns nil for all other types.
func kindCodec[T any](t reflect.Type) *Codec[T] {
	switch t.Kind() {
	case reflect.Int:
		return intCodec[T, int]()
	case reflect.Int8:
		return intCodec[T, int8]()
	case reflect.Int16:
		return intCodec[T, int16]()
	case reflect.Int32:
		return intCodec[T, int32]()
	case reflect.Int64:
		return intCodec[T, int64]()
	case reflect.Uint:
		return uintCodec[T, uint]()
	case reflect.Uint8:
		return uintCodec[T, uint8]()
	case reflect.Uint16:
		return uintCodec[T, uint16]()
	case reflect.Uint32:
		return uintCodec[T, uint32]()
	case reflect.Uint64:
		return uintCodec[T, uint64]()
	case reflect.Float64:
		return castCodec[T](
			func(e *Encoder, v *float64) error { e.float(*v); return nil },
			func(d *Decoder, v *float64) (err error) { *v, err = d.float(); return })
	case reflect.String:
		return castCodec[T](
			func(e *Encoder, v *string) error { return e.mp.EncodeString(*v) },
			func(d *Decoder, v *string) (err error) { *v, err = d.String(); return })
	case reflect.Slice:
		return sliceCodec[T](t.Elem())
	}
	return nil
}

// castCodec treats a T as its underlying type U.
func castCodec[T, U any](encode func(*Encoder, *U) error, decode func(*Decoder, *U) error) *Codec[T] {
	return &Codec[T]{
		encode: func(e *Encoder, v *T) error { return encode(e, (*U)(unsafe.Pointer(v))) },
		decode: func(d *Decoder, v *T) error { return decode(d, (*U)(unsafe.Pointer(v))) },
	}
}

func intCodec[T any, I ~int | ~int8 | ~int16 | ~int32 | ~int64]() *Codec[T] {
	return &Codec[T]{
		encode: func(e *Encoder, v *T) error { e.int(int64(*(*I)(unsafe.Pointer(v)))); return nil },
		decode: func(d *Decoder, v *T) error {
			n, err := d.int()
			*(*I)(unsafe.Pointer(v)) = I(n)
			return err
		},
	}
}

func uintCodec[T any, U ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64]() *Codec[T] {
	return &Codec[T]{
		encode: func(e *Encoder, v *T) error { e.Uint(uint64(*(*U)(unsafe.Pointer(v)))); return nil },
		decode: func(d *Decoder, v *T) error {
			n, err := d.Uint()
			*(*U)(unsafe.Pointer(v)) = U(n)
			return err
		},
	}
}
