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
