package shared

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// An RLock is a [Lock] that its holder may lock again; it is free once it was unlocked as often as
// it was locked. Its holder is the holder of the ctx, see [WithHolder], or else the process itself.
// It is made by [NewRLock] and used by pointer; all methods are safe for concurrent use.
type RLock struct {
	l    *Lock
	held *shm.Word64 // holder(40) | depth(24), while the process holds the lock
}

const (
	depthBits = shm.HolderShift
	depthMask = 1<<depthBits - 1
)

// WithHolder returns a ctx with a new holder, for [RLock]: a Lock with this ctx, or with one
// derived from it, waits only for locks taken with other holders. The ctx of a task already has a
// holder.
func WithHolder(ctx context.Context) context.Context {
	return context.WithValue(ctx, shm.HolderKey{}, shm.NewHolder())
}

// holder returns the upper bits of an RLock's word while ctx's holder holds the lock. For a process
// they are its tag, shifted so that they are even; otherwise they are an odd number.
func (r *RLock) holder(ctx context.Context) uint64 {
	if h, ok := ctx.Value(shm.HolderKey{}).(uint64); ok {
		return h
	}
	return uint64(r.l.tag) << (depthBits + 1)
}

// NewRLock makes a lock without a holder.
func NewRLock() (*RLock, error) {
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	return newRLock(p)
}

func newRLock(p *shm.Process) (*RLock, error) {
	m, err := newMember(p, kindRLock, 0)
	if err != nil {
		return nil, err
	}
	return m.rlock(), nil
}

func (m member) rlock() *RLock { return &RLock{l: m.lock(), held: m.o.Cold(0)} }

// check panics if the lock is closed, or was never made.
func (r *RLock) check() {
	if r.l == nil {
		(&member{}).check()
	}
	r.l.check()
}

// Lock takes the lock, at once if ctx's holder holds it already, and otherwise as [Lock.Lock] does.
// One Unlock is due after nil and after [ErrOwnerDied]; [RLock.Do] sees to it.
func (r *RLock) Lock(ctx context.Context) error {
	r.check()
	h := r.holder(ctx)
	if _, ok := r.add(h, 1); ok {
		return nil
	}
	err := r.l.Lock(ctx)
	if err == nil || errors.Is(err, ErrOwnerDied) {
		r.held.Store(h | 1)
	}
	return err
}

// TryLock is Lock without the waiting. It reports whether the lock is now held, once more than
// before.
func (r *RLock) TryLock(ctx context.Context) (bool, error) {
	r.check()
	h := r.holder(ctx)
	if _, ok := r.add(h, 1); ok {
		return true, nil
	}
	ok, err := r.l.TryLock()
	if ok {
		r.held.Store(h | 1)
	}
	return ok, err
}

// add adds d to the depth and returns the sum, if h holds the lock.
func (r *RLock) add(h uint64, d int) (depth uint64, ok bool) {
	for {
		if r.l.word.Load()&shm.TagMask != r.l.tag {
			return 0, false
		}
		v := r.held.Load()
		if v&^depthMask != h || v&depthMask == 0 {
			return 0, false
		}
		if v&depthMask == depthMask && d > 0 {
			panic("shared: RLock locked too often")
		}
		if r.held.CompareAndSwap(v, v+uint64(d)) {
			return (v + uint64(d)) & depthMask, true
		}
	}
}

// Unlock undoes one Lock. If ctx's holder does not hold the lock, the error wraps [ErrReleased]. If
// the last Unlock comes after [ErrOwnerDied] without [RLock.MarkConsistent], the lock becomes
// unusable: see [ErrNotRecoverable].
func (r *RLock) Unlock(ctx context.Context) error {
	r.check()
	h := r.holder(ctx)
	depth, ok := r.add(h, -1)
	if !ok {
		return fmt.Errorf("unlock an RLock: %w", ErrReleased)
	}
	if depth == 0 {
		r.l.Unlock()
	}
	return nil
}

// MarkConsistent is [Lock.MarkConsistent].
func (r *RLock) MarkConsistent() {
	r.check()
	r.l.MarkConsistent()
}

// Close frees the lock's memory if this process made the lock; elsewhere it does nothing. After
// that, using the lock panics, in all processes, and so do those that wait.
func (r *RLock) Close() error {
	if r.l == nil {
		return (&member{}).close()
	}
	return r.l.close()
}

// EncodeMsgpack sends the lock to another process of the tree.
func (r *RLock) EncodeMsgpack(e *msgpack.Encoder) error {
	r.check()
	return r.l.encode(e)
}

// DecodeMsgpack receives a lock. The error wraps [ErrGone] if the lock is closed or belongs to
// another tree.
func (r *RLock) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindRLock); err != nil {
		return err
	}
	*r = *m.rlock()
	return nil
}
