package shared

import (
	"context"
	"errors"

	"mrrun/internal/hold"
)

// A Repair makes what a lock guards whole again after a holder was killed, perhaps in the middle of
// a change. It runs with the lock held, before anything else that needs the lock. If its own
// process is killed meanwhile, the next holder runs its repair. If it returns an error or panics,
// the data counts as lost, and so does the lock: see [ErrNotRecoverable].
type Repair func() error

// Do runs f with the lock held, as Python's "with lock:" does, and returns its error; it releases
// the lock also when f panics. It does not run f if it cannot take the lock.
//
// If a process was killed while it held the lock, Do first runs the repairs, then f. A repair that
// only returns nil is enough for data that is whole at any time, such as a single [Value]. Without
// repairs, Do does not run f and returns [ErrOwnerDied], and the lock is lost for all: see
// [ErrNotRecoverable]. The repairs also run, before the lock is released, when f returns an error
// that wraps [ErrOwnerDied], as a [Cond.Wait] without repairs does.
func (l *Lock) Do(ctx context.Context, f func() error, repairs ...Repair) error {
	err := l.Lock(ctx)
	if err != nil && err != ErrOwnerDied {
		return err
	}
	defer l.letGo()
	return hold.Run(l, err, f, repairs)
}

// letGo unlocks the lock, unless it has become unusable during a [Cond.Wait].
func (l *Lock) letGo() {
	if l.word.Load()&^lockWaiters != lockLost {
		l.Unlock()
	}
}

// Do is [Lock.Do], but does not block if ctx's holder holds the lock already.
func (r *RLock) Do(ctx context.Context, f func() error, repairs ...Repair) (err error) {
	err = r.Lock(ctx)
	if err != nil && err != ErrOwnerDied {
		return err
	}
	defer func() { err = errors.Join(err, r.Unlock(ctx)) }()
	return hold.Run(r, err, f, repairs)
}
