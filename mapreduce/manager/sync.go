package manager

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
	"mrrun/transport"
)

// A Semaphore has permits: Acquire takes one, Release frees one. It is made by [NewSemaphore] or
// [NewBoundedSemaphore] and used by pointer; all methods are safe for concurrent use.
type Semaphore struct{ proxy }

// NewSemaphore makes a semaphore with n free permits. Release may increase their number.
func NewSemaphore(ctx context.Context, c Conn, n int, opts ...ObjectOption) (*Semaphore, error) {
	return newSemaphore(ctx, c, n, "NewSemaphore", "semaphore", opts)
}

// NewBoundedSemaphore makes a semaphore with n permits, all of them free; there are never more. The
// manager knows which client has taken which permits: only that client can release them, and they
// come back when its connection ends.
func NewBoundedSemaphore(ctx context.Context, c Conn, n int, opts ...ObjectOption) (*Semaphore, error) {
	return newSemaphore(ctx, c, n, "NewBoundedSemaphore", "bounded", opts)
}

func newSemaphore(ctx context.Context, c Conn, n int, name, kind string, opts []ObjectOption) (*Semaphore, error) {
	if n < 0 {
		return nil, fmt.Errorf("manager: %s: %d permits: must be at least 0", name, n)
	}
	s := &Semaphore{}
	return s, s.create(ctx, c, name, kind, "semaphore", opts, uintArg(uint64(n)))
}

// EncodeMsgpack sends the proxy.
func (s *Semaphore) EncodeMsgpack(e *msgpack.Encoder) error { return s.encode(e) }

// DecodeMsgpack receives a proxy.
func (s *Semaphore) DecodeMsgpack(d *msgpack.Decoder) error { return s.decode(d, "semaphore") }

// Acquire takes a permit; it blocks while there is none. If ctx ends first, Acquire returns the
// cause.
func (s *Semaphore) Acquire(ctx context.Context) error {
	return s.call(ctx, "Semaphore."+opAcquire, nil, nil)
}

// TryAcquire takes a permit if one is free, and reports whether it did.
func (s *Semaphore) TryAcquire(ctx context.Context) (ok bool, err error) {
	err = s.call(ctx, "Semaphore."+opTryAcquire, nil, flag(&ok))
	return ok, err
}

// Release frees a permit. The error wraps [shared.ErrReleased] if the semaphore is bounded and this
// client has no permit of it.
func (s *Semaphore) Release() error {
	return s.callBriefly("Semaphore."+opRelease, nil)
}

// Value returns the number of free permits.
func (s *Semaphore) Value(ctx context.Context) (n int, err error) {
	err = s.call(ctx, "Semaphore."+opValue, nil, count(&n))
	return n, err
}

// An Event is set or not, and clients wait until it is set. It is made by [NewEvent] and used by
// pointer; all methods are safe for concurrent use.
type Event struct{ proxy }

// NewEvent makes an event that is not set.
func NewEvent(ctx context.Context, c Conn, opts ...ObjectOption) (*Event, error) {
	e := &Event{}
	return e, e.create(ctx, c, "NewEvent", "event", "event", opts, nil)
}

// EncodeMsgpack sends the proxy.
func (e *Event) EncodeMsgpack(enc *msgpack.Encoder) error { return e.encode(enc) }

// DecodeMsgpack receives a proxy.
func (e *Event) DecodeMsgpack(d *msgpack.Decoder) error { return e.decode(d, "event") }

// Set sets the event and wakes all waiters, even if Clear follows at once.
func (e *Event) Set(ctx context.Context) error { return e.call(ctx, "Event."+opSet, nil, nil) }

// Clear resets the event, so that it is not set.
func (e *Event) Clear(ctx context.Context) error { return e.call(ctx, "Event."+opClear, nil, nil) }

// IsSet reports whether the event is set.
func (e *Event) IsSet(ctx context.Context) (set bool, err error) {
	err = e.call(ctx, "Event."+opIsSet, nil, flag(&set))
	return set, err
}

// Wait blocks until the event is set. If ctx ends first, Wait returns the cause.
func (e *Event) Wait(ctx context.Context) error { return e.call(ctx, "Event."+opWait, nil, nil) }

// A Barrier is where goroutines of several clients wait for each other: each waits until as many
// have come as the barrier has parties, and then all go on. Then the next round begins. It is made
// by [NewBarrier] and used by pointer; all methods are safe for concurrent use.
//
// It breaks when Abort is called, when the ctx of a waiter ends, and when the connection of a
// client ends that has waited at it since it was made or last Reset.
type Barrier struct{ proxy }

// NewBarrier makes a barrier for 1 to 65,535 parties.
func NewBarrier(ctx context.Context, c Conn, parties int, opts ...ObjectOption) (*Barrier, error) {
	if parties < 1 || parties > 65535 {
		return nil, fmt.Errorf("manager: NewBarrier: %d parties: must be from 1 to 65,535", parties)
	}
	b := &Barrier{}
	return b, b.create(ctx, c, "NewBarrier", "barrier", "barrier", opts, uintArg(uint64(parties)))
}

// EncodeMsgpack sends the proxy.
func (b *Barrier) EncodeMsgpack(e *msgpack.Encoder) error { return b.encode(e) }

// DecodeMsgpack receives a proxy.
func (b *Barrier) DecodeMsgpack(d *msgpack.Decoder) error { return b.decode(d, "barrier") }

// Wait blocks until all parties have come, and returns the place in which this one came, from 0;
// each party has a different one. If the barrier is broken, or breaks, the error wraps
// [shared.ErrBroken]; if it breaks because ctx ends, the error also wraps the cause.
func (b *Barrier) Wait(ctx context.Context) (place int, err error) {
	err = b.call(ctx, "Barrier."+opWait, nil, count(&place))
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, shared.ErrBroken) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return place, err
}

// Abort breaks the barrier.
func (b *Barrier) Abort(ctx context.Context) error { return b.call(ctx, "Barrier."+opAbort, nil, nil) }

// Reset makes the barrier whole again, without any waiters. Those that were waiting get
// [shared.ErrBroken].
func (b *Barrier) Reset(ctx context.Context) error { return b.call(ctx, "Barrier."+opReset, nil, nil) }

// Waiting returns how many goroutines have come in this round and wait.
func (b *Barrier) Waiting(ctx context.Context) (n int, err error) {
	err = b.call(ctx, "Barrier."+opWaiting, nil, count(&n))
	return n, err
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken(ctx context.Context) (broken bool, err error) {
	err = b.call(ctx, "Barrier."+opBroken, nil, flag(&broken))
	return broken, err
}

func encodeUint(n int) []byte {
	e := transport.NewEncoder(nil)
	e.Uint(uint64(n))
	return e.Bytes()
}
