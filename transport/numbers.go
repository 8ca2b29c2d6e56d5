package transport

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Extension types of the wire format; see the package comment.
const (
	extNumbers = 1
	extBigInt  = 2
	extView    = 3
)

// Number is the constraint for the elements of a [Slice] or a [View].
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint | ~float32 | ~float64
}

// A Slice is a slice of numbers that travels as one block of bytes, also inside a struct: with
// 1,024 float64 that is some 300 times faster than element by element. Convert with
// Slice[float64](s) and []float64(s); neither copies.
type Slice[E Number] []E

func (s Slice[E]) numbers() {} // distinguishes a Slice from other types with methods for msgpack

// EncodeMsgpack implements [msgpack.CustomEncoder].
func (s Slice[E]) EncodeMsgpack(mp *msgpack.Encoder) error {
	return encodeNumbers(mp, elemKind(reflect.TypeFor[E]()), s == nil, rawBytes(s), int(unsafe.Sizeof(*new(E))))
}

// DecodeMsgpack implements [msgpack.CustomDecoder].
func (s *Slice[E]) DecodeMsgpack(mp *msgpack.Decoder) error {
	return decodeNumbers(mp, (*[]E)(s))
}

// sliceCodec returns the codec of slices whose elements are numbers or bytes, and nil for all
// others.
func sliceCodec[T any](elem reflect.Type) *Codec[T] {
	if codesItself(elem) {
		return nil
	}
	switch elem.Kind() {
	case reflect.Uint8:
		return castCodec[T](
			func(e *Encoder, v *[]byte) error { return e.mp.EncodeBytes(*v) },
			func(d *Decoder, v *[]byte) error {
				b, err := d.Blob()
				*v = bytes.Clone(b)
				return err
			})
	case reflect.Int8:
		return numbersCodec[T, int8]()
	case reflect.Int16:
		return numbersCodec[T, int16]()
	case reflect.Int32:
		return numbersCodec[T, int32]()
	case reflect.Int64:
		return numbersCodec[T, int64]()
	case reflect.Int:
		return numbersCodec[T, int]()
	case reflect.Uint16:
		return numbersCodec[T, uint16]()
	case reflect.Uint32:
		return numbersCodec[T, uint32]()
	case reflect.Uint64:
		return numbersCodec[T, uint64]()
	case reflect.Uint:
		return numbersCodec[T, uint]()
	case reflect.Float32:
		return numbersCodec[T, float32]()
	case reflect.Float64:
		return numbersCodec[T, float64]()
	}
	return nil
}

func numbersCodec[T any, E Number]() *Codec[T] {
	kind, size := elemKind(reflect.TypeFor[E]()), int(unsafe.Sizeof(*new(E)))
	return castCodec[T](
		func(e *Encoder, v *[]E) error { return encodeNumbers(e.mp, kind, *v == nil, rawBytes(*v), size) },
		func(d *Decoder, v *[]E) error { return decodeNumbers(d.mp, v) })
}

// maxKind is the largest byte that stands for an element type.
const maxKind = 10

// elemKind returns the byte that stands for an element type; int and uint travel as 64 bits.
func elemKind(t reflect.Type) byte {
	switch t.Kind() {
	case reflect.Int8:
		return 1
	case reflect.Int16:
		return 2
	case reflect.Int32:
		return 3
	case reflect.Int64, reflect.Int:
		return 4
	case reflect.Uint16:
		return 5
	case reflect.Uint32:
		return 6
	case reflect.Uint64, reflect.Uint:
		return 7
	case reflect.Float32:
		return 8
	case reflect.Float64:
		return 9
	default: // uint8
		return maxKind
	}
}

// Int and uint travel as they are in memory: the package does not compile where they do not have 64
// bits.
const _ = uint(unsafe.Sizeof(int(0)) - 8)

// rawBytes returns the memory of a slice of numbers as bytes.
func rawBytes[E Number](s []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(E))))
}

func encodeNumbers(mp *msgpack.Encoder, kind byte, isNil bool, raw []byte, size int) error {
	if isNil {
		return mp.EncodeNil()
	}
	return writeNumbers(mp, extNumbers, kind, 0, raw, size)
}

// writeNumbers writes an extension: the kind of the elements, pad zeros, the elements.
func writeNumbers(mp *msgpack.Encoder, ext int8, kind byte, pad int, raw []byte, size int) error {
	if limit := math.MaxUint32 - 1 - pad; len(raw) > limit {
		return &SizeError{Size: uint64(len(raw)), Limit: uint64(limit)}
	}
	if err := mp.EncodeExtHeader(ext, 1+pad+len(raw)); err != nil {
		return err
	}
	w := mp.Writer().(interface {
		io.Writer
		io.ByteWriter
	})
	if err := w.WriteByte(kind); err != nil {
		return err
	}
	for range pad {
		if err := w.WriteByte(0); err != nil {
			return err
		}
	}
	if !littleEndian {
		raw = swapped(raw, size)
	}
	_, err := w.Write(raw)
	return err
}

func decodeNumbers[E Number](mp *msgpack.Decoder, v *[]E) error {
	ext, err := readExt(mp, extNumbers)
	if err != nil || ext == nil {
		return err
	}
	size, kind := int(unsafe.Sizeof(*new(E))), elemKind(reflect.TypeFor[E]())
	if len(ext) == 0 || ext[0] != kind || (len(ext)-1)%size != 0 {
		return fmt.Errorf("decode []%v: got %d bytes with another element type", reflect.TypeFor[E](), len(ext))
	}
	*v = copyNumbers[E](ext[1:])
	return nil
}

// copyNumbers returns the elements whose bytes are raw.
func copyNumbers[E Number](raw []byte) []E {
	size := int(unsafe.Sizeof(*new(E)))
	if !littleEndian {
		raw = swapped(raw, size)
	}
	s := make([]E, len(raw)/size)
	copy(rawBytes(s), raw)
	return s
}

// readExt takes the extension of the given type and returns its bytes, or nil for nil.
func readExt(mp *msgpack.Decoder, want int8) ([]byte, error) {
	code, err := mp.PeekCode()
	if err != nil {
		return nil, err
	}
	if code == 0xc0 {
		return nil, mp.DecodeNil()
	}
	ext, n, err := mp.DecodeExtHeader()
	if err != nil {
		return nil, err
	}
	if ext != want {
		return nil, fmt.Errorf("got msgpack extension %d, want %d", ext, want)
	}
	if d, ok := mp.Buffered().(*Decoder); ok {
		return d.next(n)
	}
	var b bytes.Buffer // some other decoder: take memory only as bytes arrive
	_, err = io.CopyN(&b, mp.Buffered(), int64(n))
	return b.Bytes(), err
}

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// swapped returns raw with the bytes of each element of the given size reversed.
func swapped(raw []byte, size int) []byte {
	out := make([]byte, len(raw))
	for i := range raw {
		out[i] = raw[i-i%size+size-1-i%size]
	}
	return out
}
