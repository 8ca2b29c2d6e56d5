package shared

import (
	"context"
	"errors"

	"mrrun/internal/hold"
)

// A Repair makes what a lock guards whole again after a holder was killed, perhaps in the middle of a change. It runs with the
// lock held, before anything else that needs the lock; if its own process is killed meanwhile, the next one's runs. When it
// returns an error or panics nothing could be saved, and the lock is lost: see [ErrNotRecoverable].
type Repair func() error

// Do runs f with the lock held, as Python's "with lock:" does, and returns its error; the lock is let go also when f panics.
// It does not run f if the lock cannot be taken.
//
// If a process was killed while it held the lock, the repairs run first, then f. One that returns nil is enough for what is
// whole at any time, as one [Value] is. Without any, f does not run, Do returns [ErrOwnerDied], and the lock is lost for
// everybody: see [ErrNotRecoverable]. They also run when f returns an error that wraps [ErrOwnerDied], as that of a
// [Cond.Wait] without repairs does, before the lock is let go.
func (l *Lock) Do(ctx context.Context, f func() error, repairs ...Repair) error {
	err := l.Lock(ctx)
	if err != nil && err != ErrOwnerDied {
		return err
	}
	defer l.letGo()
	return hold.Run(l, err, f, repairs)
}

// letGo unlocks the lock, unless a [Cond.Wait] has lost it.
func (l *Lock) letGo() {
	if l.word.Load()&^lockWaiters != lockLost {
		l.Unlock()
	}
}

// Do is [Lock.Do]. It does not wait if ctx's holder has the lock.
func (r *RLock) Do(ctx context.Context, f func() error, repairs ...Repair) (err error) {
	err = r.Lock(ctx)
	if err != nil && err != ErrOwnerDied {
		return err
	}
	defer func() { err = errors.Join(err, r.Unlock(ctx)) }()
	return hold.Run(r, err, f, repairs)
}
