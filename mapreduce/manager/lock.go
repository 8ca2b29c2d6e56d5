package manager

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/hold"
	"mrrun/shared"
	"mrrun/transport"
)

// A Lock is held by one client at a time, and within its process by one goroutine. When the connection of its holder ends,
// the next one gets it with [shared.ErrOwnerDied]. Whoever comes first gets it first. It is made by [NewLock] and used by
// pointer; all methods are safe for concurrent use.
type Lock struct{ proxy }

// NewLock makes a lock that nobody holds.
func NewLock(ctx context.Context, c Conn, opts ...ObjectOption) (*Lock, error) {
	l := &Lock{}
	return l, l.create(ctx, c, "NewLock", "lock", "lock", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (l *Lock) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a proxy.
func (l *Lock) DecodeMsgpack(d *msgpack.Decoder) error { return l.decode(d, "lock") }

// Lock takes the lock; it blocks while another has it, until ctx ends: then it returns the cause. The lock is held after
// nil and after [shared.ErrOwnerDied], and not after any other error: use [Lock.Do], which lets it go in each case.
func (l *Lock) Lock(ctx context.Context) error { return l.call(ctx, "Lock.Lock", nil, nil) }

// TryLock takes the lock if it is free, and reports whether it is held now: with nil or with [shared.ErrOwnerDied].
func (l *Lock) TryLock() (held bool, err error) {
	err = l.callBriefly("Lock.TryLock", flag(&held))
	return held || errors.Is(err, shared.ErrOwnerDied), err
}

// Unlock lets the lock go. If this client does not hold it, that is a panic. When the connection is lost it does nothing:
// the manager has let the lock go. After [shared.ErrOwnerDied] without MarkConsistent the lock is lost: see
// [shared.ErrNotRecoverable].
func (l *Lock) Unlock() { must(l.callBriefly("Lock.Unlock", nil)) }

// MarkConsistent says that what the lock guards is whole again, after [shared.ErrOwnerDied]. If this client does not hold
// the lock, that is a panic.
func (l *Lock) MarkConsistent() { must(l.callBriefly("Lock.MarkConsistent", nil)) }

// An RLock is a Lock that its client may lock again; it is free when it was unlocked as often. All goroutines
// that share a client are one holder.
type RLock struct{ proxy }

// NewRLock makes a lock that nobody holds.
func NewRLock(ctx context.Context, c Conn, opts ...ObjectOption) (*RLock, error) {
	l := &RLock{}
	return l, l.create(ctx, c, "NewRLock", "rlock", "rlock", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (l *RLock) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a proxy.
func (l *RLock) DecodeMsgpack(d *msgpack.Decoder) error { return l.decode(d, "rlock") }

// Lock is [Lock.Lock]. It does not block if this client holds the lock. [RLock.Do] lets it go in each case.
func (l *RLock) Lock(ctx context.Context) error { return l.call(ctx, "RLock.Lock", nil, nil) }

// TryLock is [Lock.TryLock]. It succeeds if this client holds the lock.
func (l *RLock) TryLock(ctx context.Context) (held bool, err error) {
	err = l.call(ctx, "RLock.TryLock", nil, flag(&held))
	return held || errors.Is(err, shared.ErrOwnerDied), err
}

// Unlock takes one Lock back. The error is [ErrNotHeld] if this client does not hold the lock. It does not look at ctx.
func (l *RLock) Unlock(context.Context) error {
	return l.callBriefly("RLock.Unlock", nil)
}

// MarkConsistent is [Lock.MarkConsistent].
func (l *RLock) MarkConsistent() {
	must(l.callBriefly("RLock.MarkConsistent", nil))
}

// must panics about what the caller did wrong. A manager that is lost, or does not answer, is not his fault, and the next call
// that can tell does.
func must(err error) {
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrNoAnswer) {
		panic(err)
	}
}

// A Cond is where clients wait for a change of what a [Lock] guards. It is made by [NewCond] and used by pointer.
// Wait may return though nobody has notified this one, so it is called in a loop, or by WaitFor.
type Cond struct {
	lock   *Lock
	number uint64 // among the conds of the lock
}

// NewCond makes a cond for what l guards. It lasts as long as the lock.
func NewCond(ctx context.Context, l *Lock) (*Cond, error) {
	c := &Cond{lock: l}
	err := l.call(ctx, "NewCond", nil, func(d *transport.Decoder) (err error) { c.number, err = d.Uint(); return err })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// EncodeMsgpack sends the proxy, with that of its lock.
func (c *Cond) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	if err := e.EncodeUint64(c.number); err != nil {
		return err
	}
	return c.object().encode(e)
}

// DecodeMsgpack receives a proxy, with that of its lock.
func (c *Cond) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	n, err := d.DecodeArrayLen()
	if err == nil && n != 2 {
		err = fmt.Errorf("%w: an array of %d is no cond", ErrType, n)
	}
	if err != nil {
		return fmt.Errorf("manager: receive a cond: %w", err)
	}
	if c.number, err = d.DecodeUint64(); err != nil {
		return fmt.Errorf("manager: receive a cond: %w", err)
	}
	c.lock = &Lock{}
	return c.lock.decode(d, "lock")
}

// Lock returns the lock that goes with the cond.
func (c *Cond) Lock() *Lock { return c.lock }

// object is the lock, an empty one if the cond is empty.
func (c *Cond) object() *Lock {
	if c.lock == nil {
		return &Lock{}
	}
	return c.lock
}

// Wait unlocks the lock, waits until it is notified or ctx ends, and locks the lock again. This client must hold the lock:
// else the error is [ErrNotHeld]. The error is nil if it was notified, otherwise the cause of ctx, or
// [shared.ErrOwnerDied], if meanwhile a client has vanished that held the lock; with repairs they run instead, as in [Lock.Do].
// The lock is held in each of these cases. If the manager does not answer when ctx has ended nobody knows who holds the lock:
// then the connection ends, and the error wraps [ErrLost].
func (c *Cond) Wait(ctx context.Context, repairs ...shared.Repair) error {
	lock := c.object()
	err := lock.call(ctx, "Cond.Wait", uintArg(c.number), nil)
	if errors.Is(err, ErrNoAnswer) {
		lock.c.Load().lost(err)
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	return hold.Mend(lock, err, repairs)
}

// WaitFor waits until pred reports true; it does not wait at all if it does so at once. This client must hold the lock,
// and does so whenever pred is called and afterwards. Any error of Wait, which gets the repairs, ends it.
func (c *Cond) WaitFor(ctx context.Context, pred func() bool, repairs ...shared.Repair) error {
	for !pred() {
		if err := c.Wait(ctx, repairs...); err != nil {
			return err
		}
	}
	return nil
}

// Notify makes n of those go on that wait, or all if they are fewer. This client must hold the lock: else the error is
// [ErrNotHeld].
func (c *Cond) Notify(ctx context.Context, n int) error { return c.notify(ctx, "Cond.Notify", n) }

func (c *Cond) notify(ctx context.Context, method string, n int) error {
	return c.object().call(ctx, method, func(e *transport.Encoder) error {
		e.Uint(c.number)
		e.Uint(uint64(max(n, 0)))
		return nil
	}, nil)
}

// Broadcast makes all go on that wait: see Notify.
func (c *Cond) Broadcast(ctx context.Context) error {
	return c.notify(ctx, "Cond.Broadcast", math.MaxInt)
}

var (
	_ shared.Locker   = (*Lock)(nil)
	_ shared.RLocker  = (*RLock)(nil)
	_ shared.Acquirer = (*Semaphore)(nil)
	_ shared.Waiter   = (*Event)(nil)
	_ shared.Meeting  = (*Barrier)(nil)
)
