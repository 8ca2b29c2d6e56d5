package shared

import (
	"context"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// An RLock is a [Lock] that its holder may lock again; it is free when it was unlocked as often. Its holder is one of a
// process: that of the ctx, see [WithHolder], or the process itself. It is made by [NewRLock] and used by pointer; all methods
// are safe for concurrent use.
type RLock struct {
	l    *Lock
	held *shm.Word64 // holder(40) | depth(24), while the process holds the lock
}

const (
	depthBits = shm.HolderShift
	depthMask = 1<<depthBits - 1
)

// WithHolder returns a ctx with a holder of its own, for [RLock]: what is locked with this ctx, or one made from it, only
// waits for what was locked with others. The ctx of a task has one already.
func WithHolder(ctx context.Context) context.Context {
	return context.WithValue(ctx, shm.HolderKey{}, shm.NewHolder())
}

// holder returns what an RLock's word begins with while ctx's holder has it: for a process its tag, and otherwise an odd
// number.
func (r *RLock) holder(ctx context.Context) uint64 {
	if h, ok := ctx.Value(shm.HolderKey{}).(uint64); ok {
		return h
	}
	return uint64(r.l.tag) << (depthBits + 1)
}

// NewRLock makes a lock that nobody holds.
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

// check panics if the lock was closed, or never made.
func (r *RLock) check() {
	if r.l == nil {
		(&member{}).check()
	}
	r.l.check()
}

// Lock takes the lock, at once if ctx's holder has it. Otherwise it is [Lock.Lock]; after [ErrOwnerDied] too, one Unlock is
// due. [RLock.Do] sees to that.
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

// TryLock is Lock without waiting, and reports whether the lock is held now, once more than before.
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

// add adds d to the depth, if h holds the lock, and returns the sum.
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

// Unlock takes one Lock back. If ctx's holder does not hold the lock, it returns an error that wraps [ErrReleased]. When the
// last is taken back after [ErrOwnerDied] without [RLock.MarkConsistent], the lock is lost: see [ErrNotRecoverable].
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

// Close gives the lock's memory back if this process made it; elsewhere it does nothing. Nobody may use the lock any more:
// that is a panic, also for those that wait.
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

// DecodeMsgpack receives a lock. The error wraps [ErrGone] if it was closed or is another tree's.
func (r *RLock) DecodeMsgpack(d *msgpack.Decoder) error {
	var m member
	if err := m.decode(d, kindRLock); err != nil {
		return err
	}
	*r = *m.rlock()
	return nil
}
