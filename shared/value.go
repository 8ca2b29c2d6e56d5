package shared

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Number is what a [Value] can hold.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

// A Value is a number that all processes of the tree have in common. Each method is one atomic operation, as in
// [sync/atomic]; what takes several is done while holding [Value.Lock]. It is made by [NewValue] and used by pointer.
type Value[T Number] struct {
	member
	word *shm.Word64
	lock *Lock
}

// NewValue makes a value that is v.
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

// valueOf begins with the words of a Lock, and goes on with the number's.
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

// Swap sets the number and returns the one before.
func (a *Value[T]) Swap(v T) (old T) {
	a.check()
	a.p.Release(&a.o)
	was := a.word.Swap(bits(v))
	a.p.Acquire(&a.o)
	return number[T](was)
}

// CompareAndSwap sets the number to v if it is old, and reports whether it was. Floating-point numbers are the same if
// their bits are: NaN can be swapped, and -0 is not 0.
func (a *Value[T]) CompareAndSwap(old, v T) bool {
	a.check()
	a.p.Release(&a.o)
	swapped := a.word.CompareAndSwap(bits(old), bits(v))
	a.p.Acquire(&a.o)
	return swapped
}

// Add adds d and returns the sum. Integers overflow as they do in Go.
func (a *Value[T]) Add(d T) T {
	a.check()
	a.p.Release(&a.o)
	sum := a.add(d)
	a.p.Acquire(&a.o)
	return sum
}

func (a *Value[T]) add(d T) T {
	if one := T(1); one/2 == 0 && unsafe.Sizeof(d) == 8 { // an integer, and all of the word
		return number[T](a.word.Add(bits(d)))
	}
	for {
		v := a.word.Load()
		if sum := number[T](v) + d; a.word.CompareAndSwap(v, bits(sum)) {
			return sum
		}
	}
}

// Lock returns the value's own lock, which guards whatever the processes agree on; the methods of the value do not take it.
// It lies beside the number and goes with it: it is not sent or closed by itself.
func (a *Value[T]) Lock() *Lock {
	a.check()
	return a.lock
}

// Close gives the value's memory back if this process made it; elsewhere it does nothing. Nobody may use the value any more:
// that is a panic.
func (a *Value[T]) Close() error { return a.close() }

// EncodeMsgpack sends the value, not the number, to another process of the tree.
func (a *Value[T]) EncodeMsgpack(e *msgpack.Encoder) error { return a.encode(e) }

// DecodeMsgpack receives a value. The error wraps [ErrGone] if it was closed or is another tree's. A value of another type
// of numbers is an error.
func (a *Value[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindValue); err != nil {
		return err
	}
	if is := reflect.Kind(m.o.Cold(0).Load()); is != kindOf[T]() {
		return fmt.Errorf("receive a Value: it is one of %s, not of %s: use the same type on both sides", is, reflect.TypeFor[T]())
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

// number is the other side of bits.
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
