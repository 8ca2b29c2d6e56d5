package manager

import (
	"context"
	"errors"

	"mrrun/internal/hold"
	"mrrun/shared"
)

// Do runs f with the lock held, and returns its error; the lock is let go also when f panics. It does not run f if the lock
// cannot be taken. If a client has vanished that held the lock the repairs run first: see [shared.Lock.Do], also for what
// happens without any.
func (l *Lock) Do(ctx context.Context, f func() error, repairs ...shared.Repair) (err error) {
	err = l.Lock(ctx)
	if err != nil && !errors.Is(err, shared.ErrOwnerDied) {
		return err
	}
	defer func() {
		if !errors.Is(err, shared.ErrNotRecoverable) { // a Cond's Wait has lost the lock
			l.Unlock()
		}
	}()
	return hold.Run(l, err, f, repairs)
}

// Do is [Lock.Do]. It does not wait if this client holds the lock.
func (l *RLock) Do(ctx context.Context, f func() error, repairs ...shared.Repair) (err error) {
	err = l.Lock(ctx)
	if err != nil && !errors.Is(err, shared.ErrOwnerDied) {
		return err
	}
	defer func() {
		if e := l.Unlock(ctx); err == nil {
			err = e
		}
	}()
	return hold.Run(l, err, f, repairs)
}
