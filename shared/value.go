package shared

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Number is a type that a [Value] can hold.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

// A Value is a number that all processes of the tree share. Each method is one atomic operation, as
// in [sync/atomic]; an operation of several steps needs [Value.Lock]. It is made by [NewValue] and
// used by pointer.
type Value[T Number] struct {
	member
	word *shm.Word64
	lock *Lock
}

// NewValue makes a value that holds v.
func NewValue[T Number](v T) (*Value[T], error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newValue(p, v)
}

func newValue[T Number](p *shm.Process, v T) (*Value[T], error) {
	m, err := newMember(p, kindValue, 0)
	if err != nil {
		return nil, err
	}
	m.o.Cold(0).Store(uint64(kindOf[T]()))
	a := valueOf[T](m)
	a.word.Store(bits(v))
	return a, nil
}

// valueOf returns the value of an object, whose hot words begin with those of a Lock, followed by
// the number.
func valueOf[T Number](m member) *Value[T] {
	return &Value[T]{member: m, word: (*shm.Word64)(unsafe.Pointer(m.o.Hot(2))), lock: m.lock()}
}

// Load returns the number.
func (a *Value[T]) Load() T {
	a.check()
	v := a.word.Load()
	a.p.Acquire(&a.o)
	return number[T](v)
}

// Store sets the number.
func (a *Value[T]) Store(v T) {
	a.check()
	a.p.Release(&a.o)
	a.word.Store(bits(v))
}

// Swap sets the number and returns the previous one.
func (a *Value[T]) Swap(v T) (old T) {
	a.check()
	a.p.Release(&a.o)
	was := a.word.Swap(bits(v))
	a.p.Acquire(&a.o)
	return number[T](was)
}

// CompareAndSwap sets the number to v if it is old, and reports whether it was. It compares the
// bits of floating-point numbers: a NaN can be swapped, and -0 is not 0.
func (a *Value[T]) CompareAndSwap(old, v T) bool {
	a.check()
	a.p.Release(&a.o)
	swapped := a.word.CompareAndSwap(bits(old), bits(v))
	a.p.Acquire(&a.o)
	return swapped
}

// Add adds d to the number and returns the sum. Integers overflow as they do in Go.
func (a *Value[T]) Add(d T) T {
	a.check()
	a.p.Release(&a.o)
	sum := a.add(d)
	a.p.Acquire(&a.o)
	return sum
}

func (a *Value[T]) add(d T) T {
	if one := T(1); one/2 == 0 && unsafe.Sizeof(d) == 8 { // an integer that fills the word
		return number[T](a.word.Add(bits(d)))
	}
	for {
		v := a.word.Load()
		if sum := number[T](v) + d; a.word.CompareAndSwap(v, bits(sum)) {
			return sum
		}
	}
}

// Lock returns the value's own lock, which guards whatever the processes agree on; the methods of
// the value do not take it. It is a part of the value: it is sent and closed with the value, not by
// itself.
func (a *Value[T]) Lock() *Lock {
	a.check()
	return a.lock
}

// Close frees the value's memory if this process made the value; elsewhere it does nothing. After
// that, using the value panics, in all processes.
func (a *Value[T]) Close() error { return a.close() }

// EncodeMsgpack sends the value to another process of the tree. It sends its handle, not the
// number.
func (a *Value[T]) EncodeMsgpack(e *msgpack.Encoder) error { return a.encode(e) }

// DecodeMsgpack receives a value. The error wraps [ErrGone] if the value is closed or belongs to
// another tree. A value of another type of number is an error.
func (a *Value[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindValue); err != nil {
		return err
	}
	if is := reflect.Kind(m.o.Cold(0).Load()); is != kindOf[T]() {
		return fmt.Errorf("receive a Value: it holds a %s, not a %s: use the same type on both sides", is, reflect.TypeFor[T]())
	}
	*a = *valueOf[T](m)
	return nil
}

func kindOf[T any]() reflect.Kind { return reflect.TypeFor[T]().Kind() }

// bits returns the bits of a number, in the low part of a word.
func bits[T Number](v T) uint64 {
	at := unsafe.Pointer(&v)
	switch unsafe.Sizeof(v) {
	case 1:
		return uint64(*(*uint8)(at))
	case 2:
		return uint64(*(*uint16)(at))
	case 4:
		return uint64(*(*uint32)(at))
	}
	return *(*uint64)(at)
}

// number is the inverse of bits.
func number[T Number](b uint64) (v T) {
	at := unsafe.Pointer(&v)
	switch unsafe.Sizeof(v) {
	case 1:
		*(*uint8)(at) = uint8(b)
	case 2:
		*(*uint16)(at) = uint16(b)
	case 4:
		*(*uint32)(at) = uint32(b)
	default:
		*(*uint64)(at) = b
	}
	return v
}
