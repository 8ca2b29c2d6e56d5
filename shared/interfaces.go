package shared

import (
	"context"
	"iter"
)

// These are what the primitives of this package, the queues of package transport and the objects of mapreduce/manager have in
// common: code that is written for them works with the processes of one tree and with those of many machines.

// A Locker is a [Lock], or one of a manager.
type Locker interface {
	Lock(ctx context.Context) error
	TryLock() (bool, error)
	Unlock()
	MarkConsistent()
	Do(ctx context.Context, f func() error, repairs ...Repair) error
}

// An RLocker is an [RLock], or one of a manager.
type RLocker interface {
	Lock(ctx context.Context) error
	TryLock(ctx context.Context) (bool, error)
	Unlock(ctx context.Context) error
	MarkConsistent()
	Do(ctx context.Context, f func() error, repairs ...Repair) error
}

// An Acquirer is a [Semaphore], or one of a manager.
type Acquirer interface {
	Acquire(ctx context.Context) error
	Release() error
}

// A Waiter is an [Event], or one of a manager.
type Waiter interface {
	Wait(ctx context.Context) error
}

// A Meeting is a [Barrier], or one of a manager.
type Meeting interface {
	Wait(ctx context.Context) (place int, err error)
}

// A Queuer is a Queue of package transport, or one of a manager.
type Queuer[T any] interface {
	Put(ctx context.Context, v T) error
	Get(ctx context.Context) (T, error)
	All(ctx context.Context) iter.Seq2[T, error]
	Join(ctx context.Context) error
	Close() error
	Free() error
}

var (
	_ Locker   = (*Lock)(nil)
	_ RLocker  = (*RLock)(nil)
	_ Acquirer = (*Semaphore)(nil)
	_ Waiter   = (*Event)(nil)
	_ Meeting  = (*Barrier)(nil)
)
