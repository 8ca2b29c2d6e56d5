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

// A Cond is where goroutines of several processes wait for a change of what a [Lock] guards. It is made by [NewCond] and used
// by pointer; all methods are safe for concurrent use.
//
// Wait may return though nobody has notified this one: see [Cond.Notify]. So it is called in a loop, or by [Cond.WaitFor].
type Cond struct {
	member
	l       *Lock
	used    *shm.Word  // how many of waiters were ever used
	next    *shm.Word  // where the next Notify begins, so that each has its turn
	waiters []shm.Word // notified(1) | tag(30); 0: nobody. Only who holds the lock takes one, or notifies it.
	gates   []shm.Word // for each slot, see [shm.Process.Await]
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
	h := l.o.Handle()
	m.o.Cold(0).Store(uint64(h.Generation)<<32 | uint64(h.Unit))
	return m.cond(l), nil
}

// condLock returns the lock that goes with a cond.
func condLock(o shm.Object) (shm.Object, error) {
	v := o.Cold(0).Load()
	h := shm.Handle{Table: o.Handle().Table, Kind: kindLock, Unit: uint32(v), Generation: uint32(v >> 32)}
	return o.Table().Open(h, kindLock)
}

// condWords returns the waiters, of which some were used, and the gates.
func condWords(o shm.Object) (used *shm.Word, waiters, gates []shm.Word) {
	words := unsafe.Slice((*shm.Word)(o.Extra()), condWaiters+shm.Slots)
	return o.Hot(0), words[:condWaiters], words[condWaiters:]
}

func (m member) cond(l *Lock) *Cond {
	c := &Cond{member: m, l: l, next: m.o.Hot(1), tag: uint32(m.p.Tag())}
	c.used, c.waiters, c.gates = condWords(m.o)
	return c
}

// Lock returns the lock that goes with the cond.
func (c *Cond) Lock() *Lock { return c.l }

// Wait unlocks the lock, waits until it is notified or ctx ends, and locks the lock again. This process must hold the lock:
// else that is a panic.
//
// The error is nil if it was notified, otherwise the cause of ctx. If meanwhile a process has died that held the lock, it also
// wraps [ErrOwnerDied], whatever else it is: see there. With repairs it does not: they run as in [Lock.Do], and only what they
// return is an error. The lock is held in each case, except after [ErrNotRecoverable].
// If too many wait already the error wraps [ErrFull], at once.
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

// enter takes a free waiter.
func (c *Cond) enter() (*shm.Word, error) {
	for i := range c.waiters {
		w := &c.waiters[i]
		if w.Load() != 0 {
			continue
		}
		if n := uint32(i + 1); c.used.Load() < n { // only one at a time holds the lock
			c.used.Store(n)
		}
		if w.CompareAndSwap(0, c.tag) {
			return w, nil
		}
	}
	return nil, fmt.Errorf("wait at a Cond: %w: %d goroutines wait at it", ErrFull, condWaiters)
}

// leave gives the waiter back, and reports whether it was notified. A process holds the lock when it takes note of that: if
// it dies before, its notification is passed on, and if it dies after, the lock was its own.
func (c *Cond) leave(mine *shm.Word) bool {
	for {
		if v := mine.Load(); mine.CompareAndSwap(v, 0) {
			return v&condNotified != 0
		}
	}
}

// poll asks after those who should have notified this one, or whose notification should be passed on.
func (c *Cond) poll() {
	c.p.ReapIfDead(shm.Tag(c.l.word.Load() & shm.TagMask))
	for i := range c.used.Load() {
		if v := c.waiters[i].Load(); v&condNotified != 0 {
			c.p.ReapIfDead(shm.Tag(v & shm.TagMask))
		}
	}
}

// WaitFor waits until pred reports true; it does not wait at all if it does so at once. This process must hold the lock, and
// does so whenever pred is called and afterwards. Any error of [Cond.Wait], which gets the repairs, ends it, whatever pred would
// say.
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

// Notify makes n of those go on that wait, or all if they are fewer. This process must hold the lock: else that is a panic.
// More go on, namely all, if a process dies that was notified and has not yet got the lock again, or that holds the lock.
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

// Broadcast makes all go on that wait. This process must hold the lock: else that is a panic.
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

// Close gives the cond's memory back if this process made it; elsewhere it does nothing. Nobody may use the cond any more:
// that is a panic, also for those that wait. The lock stays.
func (c *Cond) Close() error { return c.close() }

// EncodeMsgpack sends the cond to another process of the tree, with its lock.
func (c *Cond) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	if err := c.encode(e); err != nil {
		return err
	}
	return c.l.encode(e)
}

// DecodeMsgpack receives a cond, with its lock. The error wraps [ErrGone] if one of them was closed or is another tree's.
func (c *Cond) DecodeMsgpack(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err == nil && n != 2 {
		err = fmt.Errorf("an array of %d is no handle", n)
	}
	if err != nil {
		return fmt.Errorf("receive a Cond: %w", err)
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

// repairCond is what becomes of a cond when a process has died. If it was notified, and had not yet got the lock again, all
// are notified: only they know whether what has happened was for them. If it held the lock, those that wait are to see that:
// so all of them are made to look.
func repairCond(o shm.Object, dead shm.Tag) {
	used, waiters, gates := condWords(o)
	if lock, err := condLock(o); err == nil {
		repairLock(lock, dead) // all objects are repaired, in no order
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
		gates[shm.Tag(v&shm.TagMask).Slot()].WakeWaitersAgain() // who notified it may have died before the wake-up
	}
	for i := range used.Load() { // last: until then another repair would do all this again
		w := &waiters[i]
		if v := w.Load(); shm.Tag(v&shm.TagMask) == dead {
			w.CompareAndSwap(v, 0)
		}
	}
}
