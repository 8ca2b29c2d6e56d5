package shared

import (
	"errors"

	"mrrun/internal/hold"
	"mrrun/internal/shm"
)

var (
	// ErrOwnerDied is returned with the lock held: the process that held it before has died, perhaps in the middle of
	// changing what the lock guards. Repair that, and call [Lock.MarkConsistent] before Unlock, or use [Lock.Do] with a
	// [Repair].
	ErrOwnerDied = hold.ErrOwnerDied

	// ErrNotRecoverable is returned by a lock that was unlocked after [ErrOwnerDied] without [Lock.MarkConsistent], as by a
	// [Lock.Do] without a [Repair], or with one that failed.
	ErrNotRecoverable = errors.New("what the lock guards was left broken by a process that died; make a new lock and new data")

	// ErrReleased is wrapped by the error about what was released more often than it was acquired.
	ErrReleased = errors.New("it was released more often than acquired")

	// ErrBroken is wrapped by the error of those that wait at a [Barrier] when it breaks, and of those that come later.
	ErrBroken = errors.New("the barrier is broken, one of its parties will not come: Reset it when all have noticed")

	// ErrUnsupported is returned on systems other than Linux.
	ErrUnsupported = shm.ErrUnsupported

	// ErrFull is wrapped by the error when the tree has no room for another object.
	ErrFull = shm.ErrFull

	// ErrGone is wrapped by the error about something that was closed, or belongs to another tree of processes.
	ErrGone = shm.ErrGone
)
