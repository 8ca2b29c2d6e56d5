package transport

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"mrrun/internal/shm"
	"mrrun/shared"
)

// A ring holds the messages of a [Queue], as bytes in shared memory:
//
//	length (8 bytes) | body | up to 7 bytes to the next multiple of 8
//
// one after the other, around the ring. Two words say where the messages begin and end; only the
// holder of an end's lock changes that end's word. One operation on such a word makes a message
// appear or disappear, so a process that is killed at any instruction leaves an intact ring, and
// the next holder of its lock has nothing to repair.
type ring struct {
	p                *shm.Process
	o                shm.Object
	segment          *shm.Segment
	mem              []byte // its length is a power of two
	putting, getting *shared.Lock
	freed            atomic.Bool // in this process
	*ringWords
}

// ringWords are the extra memory of a ring's object. Words that different processes write to are
// never on neighbouring cache lines.
type ringWords struct {
	tail     shm.Word64 // a position: where the next message will begin
	seenHead shm.Word64 // the head as a producer last read it; guarded by putting
	reserved shm.Word64 // bytes that have memory; guarded by putting
	_        [104]byte
	head     shm.Word64 // a position: where the first message begins
	seenTail shm.Word64 // the tail as a consumer last read it; guarded by getting
	_        [112]byte
	limit    shm.Word64 // at most so many messages; 0: any number
	element  shm.Text   // the type of the values, for people
	ending   shm.Word64 // 1: it is about to be freed
}

// kindQueue follows the numbers of package shared.
const kindQueue shm.Kind = 9

func init() { shm.RegisterKind(kindQueue, repairRing) }

// The hot words of a ring's object: processes wait at the first three.
const (
	hotNotEmpty = iota
	hotNotFull
	hotFinished
	hotDone // how many messages [Queue.TaskDone] was called for, modulo 2^31
)

const (
	ringUnit   = 8       // bytes: messages begin at multiples of it
	maxRing    = 1 << 34 // bytes; positions count up to twice as many before they wrap around
	lengthSize = 8
)

var (
	errWait = errors.New("no room, or no message")
	errFree = fmt.Errorf("%w: the queue was freed", shm.ErrGone)
)

// newRing makes a ring of p for up to limit messages and size bytes in all; limit 0 means any
// number.
func newRing(p *shm.Process, limit, size int, element string, hash uint64) (r *ring, err error) {
	if limit < 0 || limit > countMask || size < 1 || size > maxRing {
		return nil, fmt.Errorf("invalid capacity of %d messages and %d bytes", limit, size)
	}
	o, err := p.Allocate(kindQueue, int(unsafe.Sizeof(ringWords{})))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			o.Free()
		}
	}()
	o.Cold(shm.ColdOwn).Store(hash)
	words := (*ringWords)(o.Extra())
	words.limit.Store(uint64(limit))
	words.element.Set(element)
	putting, err := shared.NewLock()
	if err != nil {
		return nil, err
	}
	getting, err := shared.NewLock()
	if err != nil {
		_ = putting.Close()
		return nil, err
	}
	segment, err := p.NewSegment(o, 1<<bits.Len(uint(max(size, 4096)-1)), 0)
	if err != nil {
		_, _ = putting.Close(), getting.Close()
		return nil, err
	}
	return ringOf(p, o, segment, putting, getting), nil
}

// attachRing maps the ring of an object into this process.
func attachRing(p *shm.Process, o shm.Object, putting, getting *shared.Lock) (*ring, error) {
	segment, err := p.Attach(o, false)
	if err != nil {
		return nil, err
	}
	if n := len(segment.Bytes()); n < ringUnit || n&(n-1) != 0 {
		_ = segment.Detach(false)
		return nil, fmt.Errorf("%w: %d bytes are not a ring", shm.ErrGone, n)
	}
	return ringOf(p, o, segment, putting, getting), nil
}

func ringOf(p *shm.Process, o shm.Object, segment *shm.Segment, putting, getting *shared.Lock) *ring {
	return &ring{p: p, o: o, segment: segment, mem: segment.Bytes(), putting: putting, getting: getting,
		ringWords: (*ringWords)(o.Extra())}
}

// valid reports whether the ring may still be used.
func (r *ring) valid() bool {
	return r.o.Valid() && r.segment.Mapped() && !r.freed.Load() && r.ending.Load() == 0
}

// lock locks one end. It does not matter if the previous holder died.
func (r *ring) lock(ctx context.Context, l *shared.Lock) (err error) {
	if !r.valid() {
		return errFree
	}
	defer r.caught(&err)
	return r.locked(l, l.Lock(ctx))
}

// caught turns the panic of a closed lock into an error.
func (r *ring) caught(err *error) {
	if p := recover(); p != nil {
		if r.o.Valid() {
			panic(p)
		}
		*err = errFree
	}
}

func (r *ring) tryLock(l *shared.Lock) (ok bool, err error) {
	if !r.valid() {
		return false, errFree
	}
	defer r.caught(&err)
	ok, err = l.TryLock()
	if !ok {
		return false, err
	}
	err = r.locked(l, err)
	return err == nil, err
}

func (r *ring) locked(l *shared.Lock, err error) error {
	if err == shared.ErrOwnerDied {
		l.MarkConsistent()
		err = nil
	}
	if err == nil && !r.valid() {
		l.Unlock()
		return errFree
	}
	return err
}

// close refuses further messages and wakes those that wait.
func (r *ring) close() {
	for v := r.tail.Load(); position(v)&closedBit == 0; v = r.tail.Load() {
		if r.tail.CompareAndSwap(v, v|uint64(closedBit)) {
			break
		}
	}
	r.o.Hot(hotNotEmpty).WakeWaiters()
	r.o.Hot(hotNotFull).WakeWaiters()
}

// closedError returns the error of a closed ring: err, unless the ring was closed to be freed.
func (r *ring) closedError(err error) error {
	if !r.valid() {
		return errFree
	}
	return err
}

// len returns how many messages are in the ring.
func (r *ring) len() int {
	head := position(r.head.Load()) // first, so that it is never ahead of the tail
	return int(position(r.tail.Load()).since(head))
}

// unfinished returns how many messages were put in and not marked by done.
func (r *ring) unfinished() uint32 {
	done := r.o.Hot(hotDone).Load()
	return (position(r.tail.Load()).messages() - done) & countMask
}

// done marks one more message as dealt with. It reports false if all that were taken are marked.
func (r *ring) done() bool {
	r.p.Release(&r.o)
	w := r.o.Hot(hotDone)
	for {
		v := w.Load()
		if v == position(r.head.Load()).messages() {
			return false
		}
		if w.CompareAndSwap(v, (v+1)&countMask) {
			if r.unfinished() == 0 {
				r.o.Hot(hotFinished).WakeWaiters()
			}
			return true
		}
	}
}

// join waits until every message that was put in is marked by done.
func (r *ring) join(ctx context.Context) error {
	err := r.p.Await(ctx, r.o, r.o.Hot(hotFinished), func() bool { return r.unfinished() == 0 || !r.o.Valid() }, func() {})
	r.p.Acquire(&r.o)
	return err
}

// free frees the memory if this process made it, as soon as it gets both locks, which no process
// holds for long after close. Elsewhere the memory stays mapped until then.
func (r *ring) free() error {
	if r.o.Creator() != r.p.Tag() {
		r.freed.Store(true)
		return nil
	}
	if !r.valid() || !r.ending.CompareAndSwap(0, 1) {
		return nil
	}
	r.close() // wakes those that wait for a message or for room
	for _, l := range []*shared.Lock{r.putting, r.getting} {
		if err := l.Lock(context.Background()); err != nil && err != shared.ErrOwnerDied { // deaths do not matter now
			return err
		}
	}
	err := r.segment.End()
	for _, l := range []*shared.Lock{r.putting, r.getting} {
		l.MarkConsistent()
		l.Unlock()
		_ = l.Close()
	}
	return err
}

// repairRing wakes all that wait at a ring: a dead process may have been about to wake them.
func repairRing(o shm.Object, _ shm.Tag) {
	for _, i := range []int{hotNotEmpty, hotNotFull, hotFinished} {
		o.Hot(i).WakeWaitersAgain()
	}
}
