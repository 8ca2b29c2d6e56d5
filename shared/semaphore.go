package shared

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Semaphore has a number of permits, each of which one goroutine of one process can hold. It is
// made by [NewSemaphore] or [NewBoundedSemaphore] and used by pointer; all methods are safe for
// concurrent use.
//
// The permits that a killed process held are lost, unless the semaphore is [Tracked]. A process
// that has waited for a millisecond goes before those that come later, unless it does not take a
// permit although one is free, as when it is suspended.
type Semaphore struct {
	member
	permits
	gate     *shm.Word // changes(31) | waiters(1); a freed permit wakes one, or all if one is starving
	starving *shm.Word // tag of a process that has precedence
	tag      uint32
	looked   atomic.Uint32 // the permit whose owner TryAcquire checked last
	trying   patience      // used by TryAcquire
}

const (
	semWaiters = 1
	maxPermits = math.MaxInt32
)

// permits are counted or, if the semaphore is tracked, have one word each. Each change is one
// atomic operation.
type permits struct {
	count *shm.Word
	limit uint32     // the largest count
	owner []shm.Word // tags; 0: free
	hint  *atomic.Uint32
}

// A SemaphoreOption configures what [NewSemaphore] and [NewBoundedSemaphore] make.
type SemaphoreOption func(*semaphoreOptions)

type semaphoreOptions struct{ tracked bool }

// Tracked records which process holds which permit, so that the permits of a killed process come
// back. Only the process that holds a permit can release it then, so such a semaphore is always
// bounded. It takes 4 bytes for each permit, and Acquire and Release search among them.
func Tracked() SemaphoreOption { return func(o *semaphoreOptions) { o.tracked = true } }

// NewSemaphore makes a semaphore with n free permits, from 0 to 2³¹-1. A process may release
// permits that another has acquired, and more than were acquired.
func NewSemaphore(n int, opts ...SemaphoreOption) (*Semaphore, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newSemaphore(p, n, maxPermits, opts...)
}

// NewBoundedSemaphore is [NewSemaphore] for a semaphore that never has more than n free permits.
func NewBoundedSemaphore(n int, opts ...SemaphoreOption) (*Semaphore, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newSemaphore(p, n, n, opts...)
}

func newSemaphore(p *shm.Process, n, limit int, opts ...SemaphoreOption) (*Semaphore, error) {
	var options semaphoreOptions
	for _, o := range opts {
		o(&options)
	}
	least := 0
	if options.tracked {
		least = 1
	}
	if n < least || n > maxPermits {
		return nil, fmt.Errorf("make a Semaphore with %d permits: want %d to %d", n, least, maxPermits)
	}
	words := 0
	if options.tracked {
		words = n
	}
	m, err := newMember(p, kindSemaphore, words*int(unsafe.Sizeof(shm.Word{})))
	if err != nil {
		return nil, err
	}
	m.o.Hot(2).Store(uint32(n))
	m.o.Cold(0).Store(uint64(limit))
	m.o.Cold(1).Store(uint64(words))
	return m.semaphore(), nil
}

func (m member) semaphore() *Semaphore {
	return &Semaphore{member: m, permits: permitsOf(m.o), gate: m.o.Hot(0), starving: m.o.Hot(1), tag: uint32(m.p.Tag())}
}

func permitsOf(o shm.Object) permits {
	return permits{
		count: o.Hot(2),
		limit: uint32(o.Cold(0).Load()),
		owner: unsafe.Slice((*shm.Word)(o.Extra()), o.Cold(1).Load()),
		hint:  new(atomic.Uint32),
	}
}

// change moves one permit from one owner to another. It begins where the last change was: a process
// mostly releases the permit that it has just acquired.
func (s *permits) change(from, to uint32) bool {
	n := uint32(len(s.owner))
	for i, left := s.hint.Load(), n; left > 0; left-- {
		if w := &s.owner[i]; w.Load() == from && w.CompareAndSwap(from, to) {
			s.hint.Store(i)
			return true
		}
		if i++; i == n {
			i = 0
		}
	}
	return false
}

func (s *permits) take(tag uint32) bool {
	if len(s.owner) > 0 {
		return s.change(0, tag)
	}
	for v := s.count.Load(); v > 0; v = s.count.Load() {
		if s.count.CompareAndSwap(v, v-1) {
			return true
		}
	}
	return false
}

func (s *permits) give(tag uint32) bool {
	if len(s.owner) > 0 {
		return s.change(tag, 0)
	}
	for v := s.count.Load(); v < s.limit; v = s.count.Load() {
		if s.count.CompareAndSwap(v, v+1) {
			return true
		}
	}
	return false
}

// Acquire takes a permit; it blocks while there is none. If ctx ends first, Acquire returns the
// cause; it takes a free permit even if ctx has ended.
func (s *Semaphore) Acquire(ctx context.Context) error {
	s.check()
	if s.gate.Load()&semWaiters == 0 && s.take(s.tag) || s.try(0) {
		s.p.Acquire(&s.o)
		return nil
	}
	err := s.acquireSlowly(ctx)
	if err == nil {
		s.p.Acquire(&s.o)
	}
	return err
}

func (s *Semaphore) acquireSlowly(ctx context.Context) error {
	if err := s.p.TakeTurn(ctx, s.o); err != nil {
		return err
	}
	defer s.p.PassTurn(s.o)
	if s.p.Spin(func() bool { return s.try(0) }) {
		return nil
	}
	return s.wait(ctx)
}

// wait waits in the kernel until it has a permit or ctx ends.
func (s *Semaphore) wait(ctx context.Context) error {
	edge := s.p.Waits(s.o)
	defer edge.Clear()
	began, slice, starving, owners := time.Now(), starvingAfter, false, poller{p: s.p}
	for {
		v := s.gate.Load()
		if v&semWaiters == 0 && !s.gate.CompareAndSwap(v, v|semWaiters) {
			continue
		}
		taken := s.try(s.tag)
		if taken || ctx.Err() != nil {
			if starving && s.starving.CompareAndSwap(s.tag, 0) {
				s.gate.WakeWaiters() // those that stood back
			} else if !taken {
				s.wake() // pass on a wake-up that may have been for this process
			}
			if taken {
				return nil
			}
			return context.Cause(ctx)
		}
		before := s.starving.Load()
		timedOut := s.gate.WaitContext(ctx, v|semWaiters, slice)
		s.check()
		if timedOut {
			if first := s.starving.Load(); slice == shm.Slice && first == before && first != s.tag {
				s.overtake(first)
			}
			slice = shm.Slice
			s.p.Site()
			s.p.ReapIfDead(shm.Tag(s.starving.Load()))
			owners.poll(len(s.owner), func(i int) shm.Tag { return shm.Tag(s.owner[i].Load()) })
		}
		if !starving && (timedOut || shm.Elapsed(began, starvingAfter)) {
			starving = s.starving.CompareAndSwap(0, s.tag)
		}
	}
}

// overtake ends the precedence of a starving process that does not take a free permit. The process
// may claim it again later.
func (s *Semaphore) overtake(starving uint32) {
	if starving != 0 && s.Value() > 0 && s.starving.CompareAndSwap(starving, 0) {
		s.gate.WakeWaiters()
	}
}

// try takes a permit if one is free and no other process is starving. mine is the tag of this
// process if it may be the starving one, else 0.
func (s *Semaphore) try(mine uint32) bool {
	v := s.starving.Load()
	return (v == 0 || v == mine) && s.take(s.tag)
}

// TryAcquire takes a permit if one is free, and reports whether it did. It does not block. It may
// notice the death of a holder only some time later, if no other process does.
func (s *Semaphore) TryAcquire() bool {
	s.check()
	ok := s.try(0)
	if !ok && s.p.Look(s.suspect()) {
		ok = s.try(0)
	}
	if first := s.starving.Load(); !ok && first != 0 && s.trying.over(first) {
		s.overtake(first)
		ok = s.try(0)
	}
	if ok {
		s.p.Acquire(&s.o)
	}
	return ok
}

// suspect returns a process whose death would explain why no permit is available.
func (s *Semaphore) suspect() shm.Tag {
	if starving := s.starving.Load(); starving != 0 {
		return shm.Tag(starving)
	}
	if n := uint32(len(s.owner)); n > 0 {
		return shm.Tag(s.owner[s.looked.Add(1)%n].Load())
	}
	return 0
}

// Release frees a permit. The error wraps [ErrReleased] if there would be more free permits than
// allowed, or if the semaphore is [Tracked] and this process holds none.
func (s *Semaphore) Release() error {
	s.check()
	s.p.Release(&s.o)
	if !s.give(s.tag) {
		return fmt.Errorf("release a Semaphore: %w", ErrReleased)
	}
	if s.gate.Load()&semWaiters != 0 {
		s.wake()
	}
	return nil
}

// wake wakes one waiter, or all if one of them is starving, because it is unknown which one the
// kernel would wake. It clears the waiters bit if there are no waiters; a process that began to
// wait before that is woken and sets the bit again.
func (s *Semaphore) wake() {
	if s.starving.Load() != 0 {
		s.gate.WakeWaiters()
		return
	}
	s.gate.Add(2 * semWaiters) // one change more
	if s.gate.Wake(1) == 0 {
		s.gate.WakeWaiters()
	}
}

// Value returns the number of free permits, which may change at any time.
func (s *Semaphore) Value() int {
	s.check()
	if len(s.owner) == 0 {
		return int(s.count.Load())
	}
	n := 0
	for i := range s.owner {
		if s.owner[i].Load() == 0 {
			n++
		}
	}
	return n
}

// Close frees the semaphore's memory if this process made the semaphore; elsewhere it does nothing.
// After that, using the semaphore panics, in all processes, and so do those that wait.
func (s *Semaphore) Close() error { return s.close() }

// EncodeMsgpack sends the semaphore to another process of the tree.
func (s *Semaphore) EncodeMsgpack(e *msgpack.Encoder) error { return s.encode(e) }

// DecodeMsgpack receives a semaphore. The error wraps [ErrGone] if the semaphore is closed or
// belongs to another tree.
func (s *Semaphore) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindSemaphore); err != nil {
		return err
	}
	r := m.semaphore()
	s.member, s.permits, s.gate, s.starving, s.tag = r.member, r.permits, r.gate, r.starving, r.tag
	return nil
}

// repairSemaphore repairs a semaphore after the death of a process, which may have held permits,
// been the starving one, or been about to wake others.
func repairSemaphore(o shm.Object, dead shm.Tag) {
	s := permitsOf(o)
	for i := range s.owner {
		s.owner[i].CompareAndSwap(uint32(dead), 0)
	}
	o.Hot(1).CompareAndSwap(uint32(dead), 0)
	o.Hot(0).WakeWaitersAgain()
}
