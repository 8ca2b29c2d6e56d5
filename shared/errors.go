package shared

import (
	"errors"

	"mrrun/internal/hold"
	"mrrun/internal/shm"
)

var (
	// ErrOwnerDied is returned with the lock held: the previous holder has died, perhaps in the
	// middle of a change of what the lock guards. Repair that and call [Lock.MarkConsistent] before
	// Unlock, or use [Lock.Do] with a [Repair].
	ErrOwnerDied = hold.ErrOwnerDied

	// ErrNotRecoverable is returned by a lock that was unlocked after [ErrOwnerDied] without
	// [Lock.MarkConsistent], for example by a [Lock.Do] without a [Repair], or with one that
	// failed.
	ErrNotRecoverable = errors.New("what the lock guards was left broken by a process that died; make a new lock and new data")

	// ErrReleased is wrapped by the error about an object that was released more often than it was
	// acquired.
	ErrReleased = errors.New("it was released more often than acquired")

	// ErrBroken is wrapped by the errors of the calls that wait at a [Barrier] when it breaks, and
	// of later calls until it is Reset.
	ErrBroken = errors.New("the barrier is broken because one of its parties will not come: Reset it when all have noticed")

	// ErrUnsupported is returned on systems other than Linux.
	ErrUnsupported = shm.ErrUnsupported

	// ErrFull is wrapped by the error when the tree has no room for another object, or a [Cond] for
	// another waiter.
	ErrFull = shm.ErrFull

	// ErrGone is wrapped by the error about an object that was closed, or that belongs to another
	// tree of processes.
	ErrGone = shm.ErrGone
)
