package shared

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A Barrier lets goroutines of several processes go on together: each waits until as many have come as it has parties. Then
// the next round begins. It is made by [NewBarrier] and used by pointer; all methods are safe for concurrent use.
//
// It breaks when it cannot be complete any more: by [Barrier.Abort], when the ctx of one that waits ends, when an action
// panics, when a process ends that has waited at it since it was made or last [Barrier.Reset], whether it waits then or not,
// and when a process that got it as an argument of its task dies before it has come: it is killed, crashes or exits, and does
// not return. (The item of a pool's worker that dies is tried again, and comes then.) A round that was complete before stays
// so.
type Barrier struct {
	member
	state   *shm.Word64 // a round
	parties int
	members []shm.Word64 // breaks(32) | tag(32), for each slot: who has waited since how many breaks
	slots   *shm.Word    // how many of members were ever used
	gate    *shm.Word    // see [shm.Process.Await]
}

// A round is the state of a barrier: broken(1) | breaks(15) | last(16) | done(16) | arrived(16), where last is what done
// was at the last of the breaks. So somebody who wakes late can tell if its round was done before the barrier broke.
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

// complete returns the round after r, and reset and broke what comes of breaking it off.
func (r round) complete() round { return r&^0xffff_ffff | (r+1<<16)&0xffff_0000 }
func (r round) reset() round    { return round((r.breaks()+1)&0x7fff<<48 | r.done()<<32 | r.done()<<16) }
func (r round) broke() round    { return r.reset() | roundBroken }

// outcome tells one that waits in round r what came of it. If the barrier has broken twice since, it was broken.
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

// Wait blocks until all parties have come, and returns in which place this one did, from 0; each has another. If the
// barrier is broken, or breaks, the error wraps [ErrBroken]; it breaks when ctx ends, and then the error also wraps the
// cause. The last one does not look at ctx.
func (b *Barrier) Wait(ctx context.Context) (place int, err error) { return b.WaitAction(ctx, nil) }

// WaitAction is Wait, with something to do for the one that comes last, before any of them goes on. If action panics the
// barrier breaks.
func (b *Barrier) WaitAction(ctx context.Context, action func()) (place int, err error) {
	b.check()
	for {
		r := b.round()
		if r.broken() {
			return 0, fmt.Errorf("wait at a Barrier: %w", ErrBroken)
		}
		if r.arrived() == b.parties { // the last one is at its action
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

// change goes from one state to another, and wakes all if that is news for them.
func (b *Barrier) change(from, to round) bool {
	if !b.state.CompareAndSwap(uint64(from), uint64(to)) {
		return false
	}
	if from.breaks() != to.breaks() || from.done() != to.done() {
		b.gate.WakeWaiters()
	}
	return true
}

// join makes this process one whose end breaks the barrier, unless the round is over by now: another goroutine may have
// joined a later one.
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

// await waits for what comes of a round.
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

// giveUp breaks the barrier, if the round is not over, and returns what came of it.
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

// act does what is to be done before the others go on.
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

// Reset makes the barrier one that nobody has come to and that is not broken. Those that wait get [ErrBroken].
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

// Parties returns how many must come.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many have come in this round, and wait.
func (b *Barrier) Waiting() int {
	b.check()
	return b.round().arrived()
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool {
	b.check()
	return b.round().broken()
}

// Close gives the barrier's memory back if this process made it; elsewhere it does nothing. Nobody may use the barrier any
// more: that is a panic, also for those that wait.
func (b *Barrier) Close() error { return b.close() }

// EncodeMsgpack sends the barrier to another process of the tree.
func (b *Barrier) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := b.encode(e); err != nil {
		return err
	}
	if w, ok := e.Writer().(interface{ Orphaned(func()) }); ok {
		o := b.o // which the sender may close before
		w.Orphaned(func() { breakBarrier(o) })
	}
	return nil
}

// DecodeMsgpack receives a barrier. The error wraps [ErrGone] if it was closed or is another tree's.
func (b *Barrier) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindBarrier); err != nil {
		return err
	}
	*b = *m.barrier()
	return nil
}

// repairBarrier is what becomes of a barrier when a process has died: it breaks, if it was a member. That it is broken says
// that it was repaired, as breaking it makes all members of the time before.
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
