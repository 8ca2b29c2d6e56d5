package shared

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// An Array is memory that all processes of the tree share: what one process stores, the others see,
// and sending the array, or a part of it, sends only its place. Its length is fixed. Its elements
// are numbers or bools, or arrays or structs of these: they contain no pointers. It is made by
// [NewArray], [ArrayOf] or [Create] and used by pointer.
//
// Access to the elements is neither atomic nor ordered: processes that work on the same elements
// need a [Lock], or must wait for each other.
//
// The memory exists until the last process that has the array closes it or ends, and while the
// array is under way to a process: the process that made it may close it as soon as it has sent it.
// A task that received an array need not close it: once the process that made it has closed it or
// has ended, the worker closes it between two tasks. So a task's array must not be used after the
// task, unless the process got it by [Attach]. A program that received an array as a result closes
// it, or keeps it.
type Array[T any] struct {
	member
	segment *shm.Segment
	use     *use
	elems   []T
	first   int // the index of the first element in the segment
}

// A use is what an array and its parts share in one process.
type use struct {
	closed atomic.Bool
	how
}

// A how says how a process got an array.
type how int

const (
	madeHere how = iota
	sentHere
	foundByName
)

// arrayTexts is the extra memory of an array's object.
type arrayTexts struct{ name, element shm.Text }

const (
	arrayType  = shm.ColdOwn // the cold word that holds the hash of the type
	arrayNamed = 0           // the hot word that is 1 if others may find it by name
)

// NewArray makes an array of n elements, all zero. It reserves the memory for them, and returns an
// error if there is not enough.
func NewArray[T any](n int) (*Array[T], error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newArray[T](p, n)
}

// ArrayOf makes an array that holds a copy of v.
func ArrayOf[T any](v []T) (*Array[T], error) {
	a, err := NewArray[T](len(v))
	if err != nil {
		return nil, err
	}
	copy(a.elems, v)
	return a, nil
}

func newArray[T any](p *shm.Process, n int) (*Array[T], error) {
	e := elementOf[T]()
	if e.err != nil {
		return nil, e.err
	}
	if n < 0 || n > math.MaxInt/e.size {
		return nil, fmt.Errorf("shared: Array[%s]: invalid length %d", e.name, n)
	}
	m, err := newMember(p, kindArray, int(unsafe.Sizeof(arrayTexts{})))
	if err != nil {
		return nil, err
	}
	m.o.Cold(arrayType).Store(e.hash)
	m.arrayTexts().element.Set(e.name)
	s, err := p.NewSegment(m.o, n*e.size, n*e.size)
	if err != nil {
		m.o.Free()
		return nil, fmt.Errorf("make an Array[%s] of %d elements: %w", e.name, n, err)
	}
	return arrayOf[T](m, s, madeHere), nil
}

func arrayOf[T any](m member, s *shm.Segment, by how) *Array[T] {
	mem := s.Bytes()
	elems := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/elementOf[T]().size)
	return &Array[T]{member: m, segment: s, use: &use{how: by}, elems: elems}
}

func (m *member) arrayTexts() *arrayTexts { return (*arrayTexts)(m.o.Extra()) }

// attach returns the array that an object describes, mapped into this process.
func attach[T any](m member, by how) (*Array[T], error) {
	e := elementOf[T]()
	if e.err != nil {
		return nil, e.err
	}
	is, name := m.o.Cold(arrayType).Load(), m.arrayTexts().element.String()
	if m.o.Valid() && is != e.hash {
		return nil, fmt.Errorf("it is an Array[%s], not an Array[%s]: use the same type on both sides", name, e.name)
	}
	s, err := m.p.Attach(m.o, by == foundByName)
	if err != nil {
		return nil, err
	}
	return arrayOf[T](m, s, by), nil
}

// check panics if the array is closed, here or by the process that made it, or was never made.
func (a *Array[T]) check() {
	if a.p == nil || !a.o.Valid() || a.use.closed.Load() || !a.segment.Mapped() {
		a.misused()
	}
}

// Len returns the number of elements.
func (a *Array[T]) Len() int {
	a.check()
	return len(a.elems)
}

// At returns element i. It panics if i is out of range.
func (a *Array[T]) At(i int) T {
	a.check()
	return a.elems[i]
}

// Set sets element i. It panics if i is out of range.
func (a *Array[T]) Set(i int, v T) {
	a.check()
	a.elems[i] = v
}

// Slice returns the elements as a slice of the shared memory itself, with the speed of any slice.
// The slice must not be used after Close, nor after the task that received the array: that crashes,
// or reads other memory. Appending to it makes a copy.
func (a *Array[T]) Slice() []T {
	a.check()
	return a.elems
}

// Sub returns the elements from index i up to, but not including, j as an array that shares the
// memory: closing one of the two closes both. It panics if i or j is out of range.
func (a *Array[T]) Sub(i, j int) *Array[T] {
	a.check()
	sub := *a
	sub.elems = a.elems[i:j:j]
	sub.first += i
	return &sub
}

// Close ends the use of the array and of all its parts in this process: using them panics. The
// memory is freed as soon as no other process has the array. In the process that made the array,
// Close also closes what the process got by sending the array to itself. In a process that got the
// array by [Attach], Close closes only the array that Attach returned. It may be called more than
// once.
func (a *Array[T]) Close() error {
	if a.p == nil {
		return a.close()
	}
	if !a.use.closed.CompareAndSwap(false, true) {
		return nil
	}
	if a.use.how == madeHere {
		if a.o.Valid() {
			a.o.Hot(arrayNamed).Store(0)
		}
		return a.segment.Leave()
	}
	return a.segment.Detach(a.use.how == foundByName)
}

// EncodeMsgpack sends the array, or the part that it is, to another process of the tree. It sends
// the place of the elements, not the elements.
func (a *Array[T]) EncodeMsgpack(e *msgpack.Encoder) error {
	if a.p == nil || a.use.closed.Load() && !a.p.Pinned(a.o) {
		a.misused()
	}
	if err := e.EncodeArrayLen(3); err != nil {
		return err
	}
	if err := a.encode(e); err != nil {
		return err
	}
	if err := e.EncodeUint(uint64(a.first)); err != nil {
		return err
	}
	return e.EncodeUint(uint64(len(a.elems)))
}

// DecodeMsgpack receives an array. The error wraps [ErrGone] if no process has the array any more,
// or if it belongs to another tree. An array of another type is an error.
func (a *Array[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	p, err := shm.Self()
	if err == nil {
		err = a.decode(d, p)
	}
	if err != nil {
		return fmt.Errorf("receive an Array[%s]: %w", elementOf[T]().name, err)
	}
	return nil
}

func (a *Array[T]) decode(d *msgpack.Decoder, p *shm.Process) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != 3 {
		return fmt.Errorf("an array of %d is not a handle", n)
	}
	m, arrived, err := decodeMember(d, p, kindArray)
	if err != nil {
		return err
	}
	first, err := d.DecodeUint64()
	if err != nil {
		return err
	}
	length, err := d.DecodeUint64()
	if err != nil {
		return err
	}
	all, err := attach[T](m, sentHere)
	if err != nil {
		return err
	}
	arrived()
	if n := uint64(len(all.elems)); first > n || length > n-first {
		_ = all.segment.Detach(false)
		return fmt.Errorf("%d elements from index %d on are outside of its %d", length, first, n)
	}
	*a = *all.Sub(int(first), int(first+length))
	return nil
}
