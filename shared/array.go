package shared

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// An Array is memory that all processes of the tree have in common: what one stores the others see, and sending it, or a
// part of it, sends only where it is. Its length is fixed. Its elements are numbers and bools, and arrays and structs of
// such: nothing with a pointer in it. It is made by [NewArray], [ArrayOf] or [Create] and used by pointer.
//
// Nothing is atomic or ordered here: processes that work on the same elements need a [Lock], or wait for each other.
//
// The memory is there until the last process that has the array closes it or ends, and while the array is under way to one: the
// process that made it may close it as soon as it has sent it. A task that received an array need not close it: once the
// process that made it has closed it or has ended, the worker closes it between two tasks. So what a task received is not for
// use after it; what it got by [Attach] is. A program that received an array as a result closes it, or keeps it.
type Array[T any] struct {
	member
	segment *shm.Segment
	use     *use
	elems   []T
	first   int // of the elements, counted from the beginning of the segment
}

// A use is what an array and the parts of it have in common in one process.
type use struct {
	closed atomic.Bool
	how
}

// A how is how a process has come by an array.
type how int

const (
	madeHere how = iota
	sentHere
	foundByName
)

// The extra memory of an array's object.
type arrayTexts struct{ name, element shm.Text }

const (
	arrayType  = shm.ColdOwn // the cold word with the hash of the type
	arrayNamed = 0           // the hot word that is 1 when the array has a name, which others may look for
)

// NewArray makes an array of n elements, all zero. It reserves the memory for them; where there is not so much, that is the error.
func NewArray[T any](n int) (*Array[T], error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newArray[T](p, n)
}

// ArrayOf makes an array with a copy of v.
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
		return nil, fmt.Errorf("shared: Array[%s]: cannot have %d elements", e.name, n)
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

// attach makes the array that an object describes, in this process.
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

// check panics if the array was closed, by whomever, or never made.
func (a *Array[T]) check() {
	if a.p == nil || !a.o.Valid() || a.use.closed.Load() || !a.segment.Mapped() {
		a.misused()
	}
}

// Len returns how many elements there are.
func (a *Array[T]) Len() int {
	a.check()
	return len(a.elems)
}

// At returns element i. If there is none, that is a panic.
func (a *Array[T]) At(i int) T {
	a.check()
	return a.elems[i]
}

// Set sets element i. If there is none, that is a panic.
func (a *Array[T]) Set(i int, v T) {
	a.check()
	a.elems[i] = v
}

// Slice returns the elements as a slice of the shared memory itself, as fast as any. It must not be touched after Close, nor
// after the task that received the array: that is a crash, or other memory. To append to it makes a copy.
func (a *Array[T]) Slice() []T {
	a.check()
	return a.elems
}

// Sub returns the elements from i up to j, without j, as an array of its own. It has the same memory and no Close of its
// own: closing one of them closes both. If there are no such elements, that is a panic.
func (a *Array[T]) Sub(i, j int) *Array[T] {
	a.check()
	sub := *a
	sub.elems = a.elems[i:j:j]
	sub.first += i
	return &sub
}

// Close ends the use of the array and of all parts of it in this process: to use them is a panic. The memory is given back as
// soon as no other process has the array. In the process that made it, that ends what it got by sending it to itself, too; of an
// array that a process got by [Attach], it ends only that. It may be called more than once.
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

// EncodeMsgpack sends the array, or the part that it is, to another process of the tree: where it is, not what is in it.
func (a *Array[T]) EncodeMsgpack(e *msgpack.Encoder) error {
	if a.p == nil || a.use.closed.Load() && !a.p.Pinned(a.o) {
		a.misused()
	}
	err := e.EncodeArrayLen(3)
	if err == nil {
		err = a.encode(e)
	}
	if err == nil {
		err = e.EncodeUint(uint64(a.first))
	}
	if err == nil {
		err = e.EncodeUint(uint64(len(a.elems)))
	}
	return err
}

// DecodeMsgpack receives an array. The error wraps [ErrGone] if nobody has it any more, or if it is another tree's. An array of
// another type is an error.
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
	if n, err := d.DecodeArrayLen(); err != nil {
		return err
	} else if n != 3 {
		return fmt.Errorf("an array of %d is no handle", n)
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
		return fmt.Errorf("%d elements from %d on are not all among its %d", length, first, n)
	}
	*a = *all.Sub(int(first), int(first+length))
	return nil
}
