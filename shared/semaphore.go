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

// A Semaphore has a number of permits, each of which one goroutine of one process can have. It is made by [NewSemaphore]
// or [NewBoundedSemaphore] and used by pointer; all methods are safe for concurrent use.
//
// The permits that a killed process had are lost, unless the semaphore is [Tracked]. Whoever has waited for a millisecond
// goes before those that come later, unless its process does not take a permit though one is free, as while it is suspended.
type Semaphore struct {
	member
	permits
	gate     *shm.Word // changes(31) | waiters(1); a free permit wakes one, or all if one has waited for too long
	starving *shm.Word // tag of a process for which all others stand back
	tag      uint32
	looked   atomic.Uint32 // which permit TryAcquire asked after last
	trying   patience      // of TryAcquire
}

const (
	semWaiters = 1
	maxPermits = math.MaxInt32
)

// permits are counted or, if the semaphore is tracked, have a word each. Each change is one operation.
type permits struct {
	count *shm.Word
	limit uint32     // of the count
	owner []shm.Word // tags; 0: free
	hint  *atomic.Uint32
}

// A SemaphoreOption changes what [NewSemaphore] and [NewBoundedSemaphore] make.
type SemaphoreOption func(*semaphoreOptions)

type semaphoreOptions struct{ tracked bool }

// Tracked makes the semaphore know which process has which permit: when one is killed, its permits come back. Then only
// the process that has a permit can release it, so such a semaphore is always bounded. It takes 4 bytes for each permit,
// and an Acquire or Release looks at as many of them as it must.
func Tracked() SemaphoreOption { return func(o *semaphoreOptions) { o.tracked = true } }

// NewSemaphore makes a semaphore with n free permits, from 0 to 2³¹-1. Any process may release what another has acquired,
// or more than was ever acquired.
func NewSemaphore(n int, opts ...SemaphoreOption) (*Semaphore, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newSemaphore(p, n, maxPermits, opts...)
}

// NewBoundedSemaphore is [NewSemaphore] for one that never has more than n free permits.
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
	if n < 0 || n > maxPermits || options.tracked && n == 0 {
		return nil, fmt.Errorf("make a Semaphore with %d permits: that is too few or too many", n)
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

// change moves one permit from one owner to another, beginning where the last change was: a process mostly releases what
// it has just acquired.
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

// Acquire takes a permit; it blocks while there is none, until ctx ends: then it returns the cause. A free permit is taken
// even if ctx has ended before.
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
				s.gate.WakeWaiters() // for those that stood back
			} else if !taken {
				s.wake() // the wake-up may have been meant for this one
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

// overtake has nobody stand back any more for a process that does not take a permit that is free. It may say again that it has
// waited for too long.
func (s *Semaphore) overtake(starving uint32) {
	if starving != 0 && s.Value() > 0 && s.starving.CompareAndSwap(starving, 0) {
		s.gate.WakeWaiters()
	}
}

// try takes a permit if one is free and nobody else has waited too long; mine is 0, or the tag of who may be the one.
func (s *Semaphore) try(mine uint32) bool {
	v := s.starving.Load()
	return (v == 0 || v == mine) && s.take(s.tag)
}

// TryAcquire takes a permit if one is free, and reports whether it did. It does not block. That a holder was killed it
// notices some time later if nobody else does.
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

// suspect returns a process whose death would explain that no permit can be had.
func (s *Semaphore) suspect() shm.Tag {
	if starving := s.starving.Load(); starving != 0 {
		return shm.Tag(starving)
	}
	if n := uint32(len(s.owner)); n > 0 {
		return shm.Tag(s.owner[s.looked.Add(1)%n].Load())
	}
	return 0
}

// Release frees a permit. It returns [ErrReleased] if there would be more free permits than allowed, or if the semaphore is
// [Tracked] and this process has none.
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

// wake wakes one of those that wait, or all if one of them has waited too long: which one the kernel would wake is not
// known. The bit goes when nobody waits; who began to wait before it went is woken to set it again.
func (s *Semaphore) wake() {
	if s.starving.Load() != 0 {
		s.gate.WakeWaiters()
		return
	}
	s.gate.Add(2 * semWaiters) // one more change
	if s.gate.Wake(1) == 0 {
		s.gate.WakeWaiters()
	}
}

// Value returns how many permits are free; that may change at any time.
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

// Close gives the semaphore's memory back if this process made it; elsewhere it does nothing. Nobody may use the semaphore
// any more: that is a panic, also for those that wait.
func (s *Semaphore) Close() error { return s.close() }

// EncodeMsgpack sends the semaphore to another process of the tree.
func (s *Semaphore) EncodeMsgpack(e *msgpack.Encoder) error { return s.encode(e) }

// DecodeMsgpack receives a semaphore. The error wraps [ErrGone] if it was closed or is another tree's.
func (s *Semaphore) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindSemaphore); err != nil {
		return err
	}
	r := m.semaphore()
	s.member, s.permits, s.gate, s.starving, s.tag = r.member, r.permits, r.gate, r.starving, r.tag
	return nil
}

// repairSemaphore is what becomes of a semaphore when a process has died: it had permits, or was about to wake others.
func repairSemaphore(o shm.Object, dead shm.Tag) {
	s := permitsOf(o)
	for i := range s.owner {
		s.owner[i].CompareAndSwap(uint32(dead), 0)
	}
	o.Hot(1).CompareAndSwap(uint32(dead), 0)
	o.Hot(0).WakeWaitersAgain()
}
