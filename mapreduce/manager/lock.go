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

// A Lock is held by one client at a time, and within the client's process by one goroutine. When
// the connection of its holder ends, the next waiter gets it with [shared.ErrOwnerDied]. Waiters
// get the lock in the order in which they came. It is made by [NewLock] and used by pointer; all
// methods are safe for concurrent use. Clients that wait for each other in a cycle are reported to
// the server's [Log].
type Lock struct{ proxy }

// NewLock makes a lock without a holder.
func NewLock(ctx context.Context, c Conn, opts ...ObjectOption) (*Lock, error) {
	l := &Lock{}
	return l, l.create(ctx, c, "NewLock", "lock", "lock", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (l *Lock) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a proxy.
func (l *Lock) DecodeMsgpack(d *msgpack.Decoder) error { return l.decode(d, "lock") }

// Lock takes the lock; it blocks while another client or goroutine holds it. If ctx ends first,
// Lock returns the cause. The caller holds the lock after nil and after [shared.ErrOwnerDied], but
// not after any other error. [Lock.Do] releases it in each case.
func (l *Lock) Lock(ctx context.Context) error { return l.call(ctx, "Lock."+opLock, nil, nil) }

// TryLock takes the lock if it is free, and reports whether the caller now holds it: err then is
// nil or [shared.ErrOwnerDied].
func (l *Lock) TryLock() (held bool, err error) {
	err = l.callBriefly("Lock."+opTryLock, flag(&held))
	return held || errors.Is(err, shared.ErrOwnerDied), err
}

// Unlock releases the lock. It panics if this client does not hold the lock. If the connection is
// lost, Unlock does nothing: the manager has released the lock. Unlock after [shared.ErrOwnerDied]
// without MarkConsistent makes the lock unusable: see [shared.ErrNotRecoverable].
func (l *Lock) Unlock() { must(l.callBriefly("Lock."+opUnlock, nil)) }

// MarkConsistent says, after [shared.ErrOwnerDied], that what the lock guards is whole again. It
// panics if this client does not hold the lock.
func (l *Lock) MarkConsistent() { must(l.callBriefly("Lock."+opMarkConsistent, nil)) }

// An RLock is a lock that its holder may lock again; it is free once it was unlocked as often as it
// was locked. Its holder is a client, with all goroutines that use that client.
type RLock struct{ proxy }

// NewRLock makes a lock without a holder.
func NewRLock(ctx context.Context, c Conn, opts ...ObjectOption) (*RLock, error) {
	l := &RLock{}
	return l, l.create(ctx, c, "NewRLock", "rlock", "rlock", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (l *RLock) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a proxy.
func (l *RLock) DecodeMsgpack(d *msgpack.Decoder) error { return l.decode(d, "rlock") }

// Lock is [Lock.Lock], but does not block if this client holds the lock already. [RLock.Do]
// releases the lock in each case.
func (l *RLock) Lock(ctx context.Context) error { return l.call(ctx, "RLock."+opLock, nil, nil) }

// TryLock is [Lock.TryLock], but succeeds if this client holds the lock already.
func (l *RLock) TryLock(ctx context.Context) (held bool, err error) {
	err = l.call(ctx, "RLock."+opTryLock, nil, flag(&held))
	return held || errors.Is(err, shared.ErrOwnerDied), err
}

// Unlock undoes one Lock. The error wraps [ErrNotHeld] if this client does not hold the lock.
// Unlock ignores its ctx.
func (l *RLock) Unlock(context.Context) error {
	return l.callBriefly("RLock."+opUnlock, nil)
}

// MarkConsistent is [Lock.MarkConsistent].
func (l *RLock) MarkConsistent() {
	must(l.callBriefly("RLock."+opMarkConsistent, nil))
}

// must panics about an error of the caller. If the manager is lost or does not answer, the caller
// is not at fault, and the next call that returns an error reports it.
func must(err error) {
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrNoAnswer) {
		panic(err)
	}
}

// A Cond is a condition variable: clients wait at it for a change of what a [Lock] guards. It is
// made by [NewCond] and used by pointer. Wait may return although it was not notified, so call it
// in a loop, or call WaitFor.
type Cond struct {
	lock   *Lock
	number uint64 // among the conds of the lock
}

// NewCond makes a cond for what l guards. It exists as long as the lock.
func NewCond(ctx context.Context, l *Lock) (*Cond, error) {
	c := &Cond{lock: l}
	err := l.call(ctx, opNewCond, nil, func(d *transport.Decoder) (err error) { c.number, err = d.Uint(); return err })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// EncodeMsgpack sends the proxy together with the proxy of its lock.
func (c *Cond) EncodeMsgpack(e *msgpack.Encoder) error {
	if err := e.EncodeArrayLen(2); err != nil {
		return err
	}
	if err := e.EncodeUint64(c.number); err != nil {
		return err
	}
	return c.object().encode(e)
}

// DecodeMsgpack receives a proxy together with the proxy of its lock.
func (c *Cond) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	n, err := d.DecodeArrayLen()
	if err == nil && n != 2 {
		err = fmt.Errorf("%w: an array of %d is not a cond", ErrType, n)
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

// Lock returns the lock of the cond.
func (c *Cond) Lock() *Lock { return c.lock }

// object returns the lock of the cond, or an empty lock if the cond is empty.
func (c *Cond) object() *Lock {
	if c.lock == nil {
		return &Lock{}
	}
	return c.lock
}

// Wait unlocks the lock, waits until it is notified or ctx ends, and locks the lock again. If this
// client does not hold the lock, the error wraps [ErrNotHeld]. Otherwise the error is nil after a
// notification, the cause of ctx after its end, or [shared.ErrOwnerDied] if a client that held the
// lock has died meanwhile; with repairs, Wait runs these instead, as [Lock.Do] does. The caller
// holds the lock again in each of these cases. If the manager does not answer after ctx has ended,
// it is unknown which client holds the lock: Wait then ends the connection, and the error wraps
// [ErrLost].
func (c *Cond) Wait(ctx context.Context, repairs ...shared.Repair) error {
	lock := c.object()
	err := lock.call(ctx, "Cond."+opWait, uintArg(c.number), nil)
	if errors.Is(err, ErrNoAnswer) {
		lock.c.Load().lost(err)
		err = fmt.Errorf("%w: %w", ErrLost, err)
	}
	return hold.Mend(lock, err, repairs)
}

// WaitFor waits until pred returns true; it does not wait at all if pred does so at once. This
// client must hold the lock; it holds the lock whenever WaitFor calls pred, and after WaitFor has
// returned. WaitFor passes the repairs to Wait, and returns any error of Wait.
func (c *Cond) WaitFor(ctx context.Context, pred func() bool, repairs ...shared.Repair) error {
	for !pred() {
		if err := c.Wait(ctx, repairs...); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes n waiters, or all if there are fewer. If this client does not hold the lock, the
// error wraps [ErrNotHeld].
func (c *Cond) Notify(ctx context.Context, n int) error { return c.notify(ctx, "Cond."+opNotify, n) }

func (c *Cond) notify(ctx context.Context, name op, n int) error {
	return c.object().call(ctx, name, func(e *transport.Encoder) error {
		e.Uint(c.number)
		e.Uint(uint64(max(n, 0)))
		return nil
	}, nil)
}

// Broadcast wakes all waiters: see Notify.
func (c *Cond) Broadcast(ctx context.Context) error {
	return c.notify(ctx, "Cond."+opBroadcast, math.MaxInt)
}

var (
	_ shared.Locker   = (*Lock)(nil)
	_ shared.RLocker  = (*RLock)(nil)
	_ shared.Acquirer = (*Semaphore)(nil)
	_ shared.Signal   = (*Event)(nil)
	_ shared.Meeting  = (*Barrier)(nil)
)
