package shared

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Barrier is where goroutines of several processes wait for each other: each waits until as many
// have come as the barrier has parties, and then all go on. Then the next round begins. It is made
// by [NewBarrier] and used by pointer; all methods are safe for concurrent use.
//
// It breaks when it cannot be complete any more: when [Barrier.Abort] is called, when the ctx of a
// waiter ends, when an action panics, when a process ends that has waited at it since it was made
// or last [Barrier.Reset], even if it is not waiting then, and when a process that got the barrier
// as an argument of its task dies before it has come: it was killed, has crashed or has called
// exit. (If a worker of a pool dies, its item is tried again, and comes then.) A round that was
// complete before stays complete.
type Barrier struct {
	member
	state   *shm.Word64 // a round
	parties int
	members []shm.Word64 // breaks(32) | tag(32), by slot: the process that waited, after how many breaks
	slots   *shm.Word    // the number of members that were ever used
	gate    *shm.Word    // see [shm.Process.Await]
}

// A round is the state of a barrier: broken(1) | breaks(15) | last(16) | done(16) | arrived(16).
// last is the value of done at the last of the breaks, so that a waiter that wakes up late can tell
// whether its round was done before the barrier broke.
type round uint64

const (
	roundBroken = 1 << 63
	maxParties  = 1<<16 - 1
)

func (r round) arrived() int   { return int(r & 0xffff) }
func (r round) done() uint64   { return uint64(r >> 16 & 0xffff) }
func (r round) last() uint64   { return uint64(r >> 32 & 0xffff) }
func (r round) breaks() uint64 { return uint64(r >> 48 & 0x7fff) }
func (r round) broken() bool   { return r&roundBroken != 0 }

// complete returns the state in the round after r. reset and broke return the state after a Reset
// and after a break in r.
func (r round) complete() round { return r&^0xffff_ffff | (r+1<<16)&0xffff_0000 }
func (r round) reset() round    { return round((r.breaks()+1)&0x7fff<<48 | r.done()<<32 | r.done()<<16) }
func (r round) broke() round    { return r.reset() | roundBroken }

// outcome tells a waiter of round r how that round ended, if now shows that it has. If the barrier
// has broken twice since, the round counts as broken.
func (r round) outcome(now round) (known bool, err error) {
	switch {
	case now.breaks() == r.breaks():
		return now.done() != r.done(), nil
	case now.breaks() == (r.breaks()+1)&0x7fff && now.last() != r.done():
		return true, nil
	}
	return true, ErrBroken
}

// NewBarrier makes a barrier for 1 to 65,535 parties.
func NewBarrier(parties int) (*Barrier, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newBarrier(p, parties)
}

func newBarrier(p *shm.Process, parties int) (*Barrier, error) {
	if parties < 1 || parties > maxParties {
		return nil, fmt.Errorf("make a Barrier for %d parties: want 1 to %d", parties, maxParties)
	}
	m, err := newMember(p, kindBarrier, shm.Slots*int(unsafe.Sizeof(shm.Word64{})))
	if err != nil {
		return nil, err
	}
	m.o.Cold(1).Store(uint64(parties))
	return m.barrier(), nil
}

func (m member) barrier() *Barrier {
	return &Barrier{
		member:  m,
		state:   m.o.Cold(0),
		parties: int(m.o.Cold(1).Load()),
		members: unsafe.Slice((*shm.Word64)(m.o.Extra()), shm.Slots),
		slots:   m.o.Hot(1),
		gate:    m.o.Hot(0),
	}
}

// Wait blocks until all parties have come, and returns the place in which this one came, from 0;
// each party has a different one. If the barrier is broken, or breaks, the error wraps [ErrBroken];
// if it breaks because ctx ends, the error also wraps the cause. The last party ignores ctx.
func (b *Barrier) Wait(ctx context.Context) (place int, err error) { return b.WaitAction(ctx, nil) }

// WaitAction is Wait with an action that the last party runs before any party goes on. If the
// action panics, the barrier breaks.
func (b *Barrier) WaitAction(ctx context.Context, action func()) (place int, err error) {
	b.check()
	for {
		r := b.round()
		if r.broken() {
			return 0, fmt.Errorf("wait at a Barrier: %w", ErrBroken)
		}
		if r.arrived() == b.parties { // the last party is running its action
			if err := b.await(ctx, r); err != nil && !errors.Is(err, ErrBroken) {
				return 0, err
			}
			continue
		}
		b.join(r)
		b.p.Release(&b.o)
		place, next := r.arrived(), r+1
		last := place == b.parties-1
		if last && action == nil {
			next = r.complete()
		}
		if !b.change(r, next) {
			continue
		}
		switch {
		case !last:
			if err = b.await(ctx, r); err != nil && !errors.Is(err, ErrBroken) {
				err = b.giveUp(r, err)
			}
			if err != nil {
				return 0, fmt.Errorf("wait at a Barrier: %w", err)
			}
		case action != nil:
			if err := b.act(next, action); err != nil {
				return 0, fmt.Errorf("wait at a Barrier: %w", err)
			}
		}
		b.p.Acquire(&b.o)
		return place, nil
	}
}

func (b *Barrier) round() round { return round(b.state.Load()) }

// change changes the state from one to another, if it still is from, and wakes the waiters if a
// round is done or the barrier has broken. It reports whether it did.
func (b *Barrier) change(from, to round) bool {
	if !b.state.CompareAndSwap(uint64(from), uint64(to)) {
		return false
	}
	if from.breaks() != to.breaks() || from.done() != to.done() {
		b.gate.WakeWaiters()
	}
	return true
}

// join records this process as a member, so that its end breaks the barrier, unless the barrier has
// broken since r: another goroutine of the process may have joined after that.
func (b *Barrier) join(r round) {
	slot := b.p.Tag().Slot()
	mine := r.breaks()<<32 | uint64(b.p.Tag())
	for n := b.slots.Load(); int(n) <= slot; n = b.slots.Load() {
		b.slots.CompareAndSwap(n, uint32(slot+1))
	}
	for {
		is := b.members[slot].Load()
		if is == mine || b.round().breaks() != r.breaks() || b.members[slot].CompareAndSwap(is, mine) {
			return
		}
	}
}

// await waits until round r is over.
func (b *Barrier) await(ctx context.Context, r round) error {
	others := poller{b.p, b.p.Tag().Slot() + 1}
	err := b.p.Await(ctx, b.o, b.gate, func() bool {
		known, _ := r.outcome(b.round())
		return known || !b.o.Valid()
	}, func() {
		others.poll(int(b.slots.Load()), func(i int) shm.Tag {
			if v := b.members[i].Load(); v>>32 == r.breaks() {
				return shm.Tag(v & shm.TagMask)
			}
			return 0
		})
	})
	b.check()
	if err == nil {
		_, err = r.outcome(b.round())
	}
	return err
}

// giveUp breaks the barrier if round r is not over, and returns how the round ended.
func (b *Barrier) giveUp(r round, cause error) error {
	for {
		now := b.round()
		if known, err := r.outcome(now); known {
			return err
		}
		if b.change(now, now.broke()) {
			return fmt.Errorf("%w: %w", ErrBroken, cause)
		}
	}
}

// act runs the action of the last party, and then completes the round.
func (b *Barrier) act(r round, action func()) error {
	finished := false
	defer func() {
		if !finished {
			_ = b.giveUp(r, nil)
		}
	}()
	action()
	finished = true
	b.p.Release(&b.o)
	if !b.change(r, r.complete()) {
		return ErrBroken
	}
	return nil
}

// Abort breaks the barrier.
func (b *Barrier) Abort() {
	b.check()
	breakBarrier(b.o)
}

func breakBarrier(o shm.Object) {
	b := member{o: o}.barrier()
	for r := b.round(); !r.broken() && !b.change(r, r.broke()); r = b.round() {
	}
}

// Reset makes the barrier whole again, without any waiters. Those that were waiting get
// [ErrBroken].
func (b *Barrier) Reset() {
	b.check()
	for r := b.round(); ; r = b.round() {
		to := r.reset()
		if r.broken() {
			to = r &^ roundBroken
		}
		if b.change(r, to) {
			return
		}
	}
}

// Parties returns the number of parties.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many parties have come in this round and wait.
func (b *Barrier) Waiting() int {
	b.check()
	return b.round().arrived()
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool {
	b.check()
	return b.round().broken()
}

// Close frees the barrier's memory if this process made the barrier; elsewhere it does nothing.
// After that, using the barrier panics, in all processes, and so do those that wait.
func (b *Barrier) Close() error { return b.close() }

// EncodeMsgpack sends the barrier to another process of the tree.
func (b *Barrier) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := b.encode(e); err != nil {
		return err
	}
	if w, ok := e.Writer().(interface{ Orphaned(func()) }); ok {
		o := b.o // the sender may have closed b by then
		w.Orphaned(func() { breakBarrier(o) })
	}
	return nil
}

// DecodeMsgpack receives a barrier. The error wraps [ErrGone] if the barrier is closed or belongs
// to another tree.
func (b *Barrier) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindBarrier); err != nil {
		return err
	}
	*b = *m.barrier()
	return nil
}

// repairBarrier repairs a barrier after the death of a process: it breaks the barrier if the
// process was a member. A broken barrier needs no other repair, because breaking it outdates all
// members.
func repairBarrier(o shm.Object, dead shm.Tag) {
	b := member{o: o}.barrier()
	for {
		r := b.round()
		if r.broken() || b.members[dead.Slot()].Load() != r.breaks()<<32|uint64(dead) || b.change(r, r.broke()) {
			break
		}
	}
	b.gate.WakeWaitersAgain()
}
