package manager

import (
	"context"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
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

var _ shared.Acquirer = (*Semaphore)(nil)
