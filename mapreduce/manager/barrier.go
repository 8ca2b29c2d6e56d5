package manager

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
)

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

var _ shared.Meeting = (*Barrier)(nil)
