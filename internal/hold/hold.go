// Package hold runs functions under locks whose former holder may have been killed. The locks of package shared and those of
// a manager have it in common.
package hold

import (
	"errors"
	"fmt"
)

// A Lock is one that is held.
type Lock interface{ MarkConsistent() }

// ErrOwnerDied is that of package shared: the error with which a lock is taken whose holder was killed.
var ErrOwnerDied = errors.New("the process that held the lock has died, and the lock is yours: repair what it guards, " +
	"then call MarkConsistent")

// Run runs f under a lock that was taken with nil or with [ErrOwnerDied]: in the latter case after the repairs, and not at all
// if there are none. They also run after an f that has met [ErrOwnerDied] itself.
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

// Mend returns what is left of the error with which a lock was taken once the repairs have run, if there are any.
func Mend[R ~func() error](l Lock, taken error, repairs []R) error {
	if taken == nil || len(repairs) == 0 || !errors.Is(taken, ErrOwnerDied) {
		return taken
	}
	for _, repair := range repairs {
		if err := repair(); err != nil {
			return fmt.Errorf("repair what a lock guards, as its holder has died: %w", err)
		}
	}
	l.MarkConsistent()
	return nil
}
