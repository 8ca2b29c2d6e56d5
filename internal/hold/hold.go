// Package hold runs functions under locks whose previous holder may have been killed. The locks of
// package shared and those of a manager use it.
package hold

import (
	"errors"
	"fmt"
)

// A Lock is a lock that the caller holds.
type Lock interface{ MarkConsistent() }

// ErrOwnerDied is the error of package shared that a lock returns when it is taken after its holder
// was killed.
var ErrOwnerDied = errors.New("the process that held the lock has died, and the lock is yours: repair what it guards, " +
	"then call MarkConsistent")

// Run runs f under lock l, which the caller has taken with the error taken: nil or [ErrOwnerDied].
// After ErrOwnerDied it first runs the repairs; without repairs it returns the error and does not
// run f. If f itself returns ErrOwnerDied, Run runs the repairs after it.
func Run[R ~func() error](l Lock, taken error, f func() error, repairs []R) error {
	if err := Mend(l, taken, repairs); err != nil {
		return err
	}
	err := f()
	if len(repairs) > 0 && errors.Is(err, ErrOwnerDied) {
		if failed := Mend(l, ErrOwnerDied, repairs); failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}

// Mend runs the repairs, if taken is [ErrOwnerDied] and there are any, and returns nil or the first
// error of a repair. Otherwise it returns taken.
func Mend[R ~func() error](l Lock, taken error, repairs []R) error {
	if taken == nil || len(repairs) == 0 || !errors.Is(taken, ErrOwnerDied) {
		return taken
	}
	for _, repair := range repairs {
		if err := repair(); err != nil {
			return fmt.Errorf("repair what a lock guards after the death of its holder: %w", err)
		}
	}
	l.MarkConsistent()
	return nil
}
