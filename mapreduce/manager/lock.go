package manager

import (
	"context"
	"errors"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
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

var (
	_ shared.Locker  = (*Lock)(nil)
	_ shared.RLocker = (*RLock)(nil)
)
