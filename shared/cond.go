package shared

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/hold"
	"mrrun/internal/shm"
)

// A Cond is a condition variable: goroutines of several processes wait at it for a change of what a
// [Lock] guards. It is made by [NewCond] and used by pointer; all methods are safe for concurrent
// use.
//
// Wait may return although its goroutine was not notified: see [Cond.Notify]. So call it in a loop,
// or call [Cond.WaitFor].
type Cond struct {
	member
	l       *Lock
	used    *shm.Word  // the number of waiters that were ever used
	next    *shm.Word  // where the next Notify begins, so that each waiter has its turn
	waiters []shm.Word // notified(1) | tag(30); 0 if free. Only the holder of the lock takes or notifies one.
	gates   []shm.Word // by slot, see [shm.Process.Await]
	tag     uint32
}

const (
	condNotified = 1 << 31
	condWaiters  = 1 << 14
)

// NewCond makes a cond for what l guards.
func NewCond(l *Lock) (*Cond, error) {
	l.check()
	m, err := newMember(l.p, kindCond, (condWaiters+shm.Slots)*int(unsafe.Sizeof(shm.Word{})))
	if err != nil {
		return nil, err
	}
	m.o.Cold(0).Store(uint64(l.o.Ref()))
	return m.cond(l), nil
}

// condLock returns the lock of a cond.
func condLock(o shm.Object) (shm.Object, error) {
	return o.Table().OpenRef(shm.Ref(o.Cold(0).Load()), kindLock)
}

// condWords returns the waiters, the number of them that were ever used, and the gates.
func condWords(o shm.Object) (used *shm.Word, waiters, gates []shm.Word) {
	words := unsafe.Slice((*shm.Word)(o.Extra()), condWaiters+shm.Slots)
	return o.Hot(0), words[:condWaiters], words[condWaiters:]
}

func (m member) cond(l *Lock) *Cond {
	c := &Cond{member: m, l: l, next: m.o.Hot(1), tag: uint32(m.p.Tag())}
	c.used, c.waiters, c.gates = condWords(m.o)
	return c
}

// Lock returns the lock of the cond.
func (c *Cond) Lock() *Lock { return c.l }

// Wait unlocks the lock, waits until it is notified or ctx ends, and locks the lock again. It
// panics if this process does not hold the lock.
//
// The error is nil after a notification, and the cause of ctx after its end. If a process that held
// the lock has died meanwhile, the error also wraps [ErrOwnerDied], whatever else it is. With
// repairs it does not: Wait runs these as [Lock.Do] does, and returns their error, if any. This
// process holds the lock again in each case, except after [ErrNotRecoverable]. If too many
// goroutines wait already, the error wraps [ErrFull], and Wait returns at once.
func (c *Cond) Wait(ctx context.Context, repairs ...Repair) error {
	c.check()
	c.l.held("Cond.Wait")
	mine, err := c.enter()
	if err != nil {
		return err
	}
	deaths := c.l.deaths.Load()
	c.l.Unlock()
	err = c.p.Await(ctx, c.o, &c.gates[c.p.Tag().Slot()], func() bool {
		lost := c.l.word.Load()&^lockWaiters == lockLost
		return mine.Load() != c.tag || c.l.deaths.Load() != deaths || lost || !c.o.Valid()
	}, c.poll)
	c.check()
	lockErr := c.l.Lock(context.WithoutCancel(ctx))
	if c.leave(mine) {
		err = nil
	}
	lockErr = hold.Mend(c.l, lockErr, repairs)
	switch {
	case err == nil:
		return lockErr
	case lockErr == nil:
		return err
	}
	return errors.Join(lockErr, err)
}

// enter takes a free waiter. The caller holds the lock.
func (c *Cond) enter() (*shm.Word, error) {
	for i := range c.waiters {
		w := &c.waiters[i]
		if w.Load() != 0 {
			continue
		}
		if n := uint32(i + 1); c.used.Load() < n { // no race: the lock is held
			c.used.Store(n)
		}
		if w.CompareAndSwap(0, c.tag) {
			return w, nil
		}
	}
	return nil, fmt.Errorf("wait at a Cond: %w: %d goroutines are already waiting", ErrFull, condWaiters)
}

// leave frees the waiter, and reports whether it was notified. The process holds the lock when it
// does so: if it dies before, its notification is passed on; if it dies after, it was the lock's
// holder.
func (c *Cond) leave(mine *shm.Word) bool {
	for {
		if v := mine.Load(); mine.CompareAndSwap(v, 0) {
			return v&condNotified != 0
		}
	}
}

// poll checks that the processes are alive that might notify this one: the lock's holder, and those
// that were notified, whose notification is passed on if they have died.
func (c *Cond) poll() {
	c.p.ReapIfDead(shm.Tag(c.l.word.Load() & shm.TagMask))
	for i := range c.used.Load() {
		if v := c.waiters[i].Load(); v&condNotified != 0 {
			c.p.ReapIfDead(shm.Tag(v & shm.TagMask))
		}
	}
}

// WaitFor waits until pred returns true; it does not wait at all if pred does so at once. This
// process must hold the lock; it holds the lock whenever WaitFor calls pred, and after WaitFor has
// returned. WaitFor passes the repairs to [Cond.Wait], and returns any error of Wait without
// calling pred again.
func (c *Cond) WaitFor(ctx context.Context, pred func() bool, repairs ...Repair) error {
	c.check()
	c.l.held("Cond.WaitFor")
	for !pred() {
		if err := c.Wait(ctx, repairs...); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes n waiters, or all if there are fewer. It panics if this process does not hold the
// lock. All waiters wake if a process dies that was notified and does not have the lock again yet,
// or that holds the lock.
func (c *Cond) Notify(n int) {
	c.check()
	c.l.held("Cond.Notify")
	used, at := c.used.Load(), c.next.Load()
	for left := used; left > 0 && n > 0; left-- {
		if at >= used {
			at = 0
		}
		if notify(c.waiters, c.gates, int(at)) {
			n--
		}
		at++
	}
	c.next.Store(at)
}

// Broadcast wakes all waiters. It panics if this process does not hold the lock.
func (c *Cond) Broadcast() { c.Notify(condWaiters) }

// notify notifies one waiter, and reports whether it was waiting.
func notify(waiters, gates []shm.Word, i int) bool {
	v := waiters[i].Load()
	if v == 0 || v&condNotified != 0 || !waiters[i].CompareAndSwap(v, v|condNotified) {
		return false
	}
	gates[shm.Tag(v).Slot()].WakeWaiters()
	return true
}

// Close frees the cond's memory if this process made the cond; elsewhere it does nothing. After
// that, using the cond panics, in all processes, and so do those that wait. The lock stays.
func (c *Cond) Close() error { return c.close() }

// EncodeMsgpack sends the cond, together with its lock, to another process of the tree.
func (c *Cond) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	if err := c.encode(e); err != nil {
		return err
	}
	return c.l.encode(e)
}

// DecodeMsgpack receives a cond together with its lock. The error wraps [ErrGone] if one of them is
// closed or belongs to another tree.
func (c *Cond) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return fmt.Errorf("receive a Cond: %w", err)
	}
	if n != 2 {
		return fmt.Errorf("receive a Cond: an array of %d is not a handle", n)
	}
	var m, l member
	if err := m.decode(d, kindCond); err != nil {
		return err
	}
	if err := l.decode(d, kindLock); err != nil {
		return err
	}
	*c = *m.cond(l.lock())
	return nil
}

// repairCond repairs a cond after the death of a process. If the process was notified and did not
// have the lock again yet, repairCond notifies all waiters: only they know whether the change was
// for them. If the process held the lock, the waiters must see that. In both cases it wakes all of
// them to look.
func repairCond(o shm.Object, dead shm.Tag) {
	used, waiters, gates := condWords(o)
	if lock, err := condLock(o); err == nil {
		repairLock(lock, dead) // the objects are repaired in no particular order
	}
	notified := false
	for i := range used.Load() {
		if waiters[i].Load() == uint32(dead)|condNotified {
			notified = true
		}
	}
	for i := range used.Load() {
		v := waiters[i].Load()
		if shm.Tag(v&shm.TagMask) == dead || v == 0 {
			continue
		}
		if notified {
			waiters[i].CompareAndSwap(v, v|condNotified)
		}
		gates[shm.Tag(v&shm.TagMask).Slot()].WakeWaitersAgain() // the notifier may have died before waking it
	}
	for i := range used.Load() { // last: if this process dies, another does all this again
		w := &waiters[i]
		if v := w.Load(); shm.Tag(v&shm.TagMask) == dead {
			w.CompareAndSwap(v, 0)
		}
	}
}
