package manager

import (
	"context"
	"errors"

	"mrrun/internal/hold"
	"mrrun/shared"
)

// Do runs f with the lock held, and returns its error; it releases the lock also when f panics. It
// does not run f if it cannot take the lock. If a client that held the lock has died, Do runs the
// repairs first: see [shared.Lock.Do], also for what happens without repairs.
func (l *Lock) Do(ctx context.Context, f func() error, repairs ...shared.Repair) (err error) {
	err = l.Lock(ctx)
	if err != nil && !errors.Is(err, shared.ErrOwnerDied) {
		return err
	}
	defer func() {
		if !errors.Is(err, shared.ErrNotRecoverable) { // a Cond's Wait in f has lost the lock
			l.Unlock()
		}
	}()
	return hold.Run(l, err, f, repairs)
}

// Do is [Lock.Do], but does not block if this client holds the lock already.
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
