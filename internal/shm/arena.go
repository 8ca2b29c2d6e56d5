package shm

import (
	"fmt"
	"iter"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A Kind says what an object is. Kinds are numbered from 1 to 15, and a number never changes its
// meaning: package shared has 1 to 8, package transport 9.
type Kind uint32

const (
	kinds    = 16
	classes  = 20 // objects have 1, 2, 4, … units
	hotWords = 14
)

// A unit is the building block of objects. The first unit of an object begins with the words that
// are used often, followed by a cache line of those that are not; further units belong to the kind.
type unit struct {
	hot   [hotWords]Word
	trips Word64 // messages that refer to it, see references.go

	identity Word64 // generation(32) | kind(32); kind 0: not an object now
	units    Word   // how many units; set once, when the memory is first used
	creator  Word   // hasMemory(1) | a tag(30)
	next     Word64 // in a list of free objects
	cold     [coldWords]Word64
}

const (
	coldWords = 5
	hasMemory = 1 << 31 // the object has a segment, which is freed with it
)

// An Object is a part of the table, of one kind, that every process of the tree can find by its
// [Handle]. The zero Object is no object.
type Object struct {
	table    *Table
	unit     uint32
	at       *unit
	identity uint64
}

// RegisterKind sets the function that repairs objects of kind k after a process has died. It must
// be called from a package variable's initializer or an init function.
//
// repair must change only what bears the tag of the dead process, and must wake those that wait for
// it. Several processes may run it at once, beside all other operations; it may run twice, or die
// halfway. An object is only ever reused as one of the same kind, so that a late repair finds its
// words in the places it knows.
func RegisterKind(k Kind, repair func(o Object, dead Tag)) {
	if k == 0 || k >= kinds || repairs[k] != nil {
		panic(fmt.Sprintf("shm: kind %d is invalid, or was registered before", k))
	}
	repairs[k] = repair
}

// maxExtra is the size in bytes of the extra memory of the largest objects.
const maxExtra = (1<<(classes-1) - 1) * unitSize

var repairs [kinds]func(o Object, dead Tag)

// Allocate makes an object with extra bytes besides its hot and cold words, all zero. p holds a
// reference to it, see [Process.Have]. The error wraps [ErrFull], or says that extra is too large
// or that memory has run out.
func (p *Process) Allocate(k Kind, extra int) (Object, error) {
	p.having.Lock()
	defer p.having.Unlock()
	t := p.table
	class := bits.Len(uint((extra + unitSize - 1) / unitSize))
	if class >= classes {
		return Object{}, fmt.Errorf("allocate a shared object: %w", tooLarge(extra, maxExtra))
	}
	n := t.pop(k, class)
	fresh := n == 0
	if fresh {
		var err error
		if n, err = t.claim(1 << class); err != nil {
			return Object{}, fmt.Errorf("allocate a shared object of %d bytes: %w", extra, err)
		}
	}
	if err := p.reserveRow(n); err != nil {
		t.push(k, class, n)
		return Object{}, err
	}
	u := &t.units[n]
	if !fresh {
		zero(u, t.units[n+1:n+1<<class]) // never-used memory is zero, and untouched
	}
	u.creator.Store(uint32(p.tag))
	identity := u.identity.Load() | uint64(k)
	u.trips.Store(noTrips(identity))
	t.has(p.tag, n).Or(hasBit(n))
	u.identity.Store(identity)
	return Object{t, n, u, identity}, nil
}

// claim takes units that were never used. Storing an object's size claims its units: a process that
// finds a size where an object could begin helps to move the mark past it and goes on from there.
// So the sizes form a chain without gaps, whichever process dies.
func (t *Table) claim(units uint32) (uint32, error) {
	for {
		n := t.used.Load()
		if units > maxUnits-n {
			return 0, fmt.Errorf("%w: close shared objects that are not in use", ErrFull)
		}
		if err := t.reserveUnits(n + units); err != nil {
			return 0, err
		}
		mine := t.units[n].units.CompareAndSwap(0, units)
		if mine {
			t.used.CompareAndSwap(n, n+units)
			return n, nil
		}
		t.used.CompareAndSwap(n, n+t.units[n].units.Load())
	}
}

// A list of free objects is a word, count(32) | unit(32), and the next word of each object. The
// count makes a pop fail if another push or pop came in between.
func (t *Table) pop(k Kind, class int) uint32 {
	list := &t.free[k][class]
	for {
		v := list.Load()
		n := uint32(v)
		if n == 0 {
			return 0
		}
		if next := t.units[n].next.Load(); list.CompareAndSwap(v, (v>>32+1)<<32|next) {
			return n
		}
	}
}

func (t *Table) push(k Kind, class int, n uint32) {
	list := &t.free[k][class]
	for {
		v := list.Load()
		t.units[n].next.Store(uint64(uint32(v)))
		if list.CompareAndSwap(v, (v>>32+1)<<32|uint64(n)) {
			return
		}
	}
}

func zero(u *unit, rest []unit) {
	for i := range u.hot {
		atomic.StoreUint32(&u.hot[i].v, 0)
	}
	for i := range u.cold {
		atomic.StoreUint64(&u.cold[i].v, 0)
	}
	clear(rest)
}

// Free frees the object, with its segment, and wakes all that wait for one of its hot words; they
// must check [Object.Valid]. It reports false if the object was freed before. No process may touch
// the segment afterwards.
func (o Object) Free() bool {
	if !o.invalidate() {
		return false
	}
	o.wakeAll()
	o.recycle()
	return true
}

func (o Object) invalidate() bool {
	return o.at.identity.CompareAndSwap(o.identity, (o.identity>>32+1)<<32)
}

// recycle makes the memory of an object that was invalidated available again.
func (o Object) recycle() {
	o.table.forget(o.unit)
	if o.at.creator.Load()&hasMemory != 0 {
		o.table.giveBack(o)
	}
	o.table.push(Kind(uint32(o.identity)), bits.Len32(o.at.units.Load())-1, o.unit)
}

func (o Object) wakeAll() {
	for i := range hotWords {
		o.Hot(i).WakeAll()
	}
}

// Valid reports whether the object has not been freed. It is one load, of a line that seldom
// changes.
func (o *Object) Valid() bool { return atomic.LoadUint64(&o.at.identity.v) == o.identity }

// Hot returns one of 14 words on one cache line.
func (o Object) Hot(i int) *Word { return &o.at.hot[i] }

// Cold returns one of 5 words on another cache line.
func (o Object) Cold(i int) *Word64 { return &o.at.cold[i] }

// Extra returns the address of the extra bytes, aligned to 128 bytes.
func (o Object) Extra() unsafe.Pointer { return unsafe.Pointer(&o.table.units[o.unit+1]) }

// Kind returns the kind of the object, even after it was freed.
func (o Object) Kind() Kind { return Kind(uint32(o.identity)) }

// Creator returns the tag of the process that allocated the object.
func (o Object) Creator() Tag { return Tag(o.at.creator.Load() & TagMask) }

// Table returns the table that the object is part of.
func (o Object) Table() *Table { return o.table }

// object returns the object that begins at unit n, if there is one now.
func (t *Table) object(n uint32) (Object, bool) {
	if n == 0 || n >= t.used.Load() {
		return Object{}, false
	}
	u := &t.units[n]
	identity := u.identity.Load()
	return Object{t, n, u, identity}, uint32(identity) != 0 && uint32(identity) < kinds
}

// Objects yields all objects of kind k. It may miss one that is made meanwhile, and may yield one
// that is freed meanwhile.
func (t *Table) Objects(k Kind) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for o := range t.objects {
			if o.Kind() == k && !yield(o) {
				return
			}
		}
	}
}

// objects yields all objects. It may miss one that is made meanwhile.
func (t *Table) objects(yield func(Object) bool) {
	end := t.used.Load()
	for n := uint32(1); n < end; n += t.units[n].units.Load() {
		if o, ok := t.object(n); ok && !yield(o) {
			return
		}
	}
}
