package shared

import (
	"context"
	"iter"
)

// The interfaces of this file are what the primitives of this package, the queues of package
// transport and the objects of mapreduce/manager have in common: code that uses the interfaces
// works with the processes of one tree and with those of many machines.

// A Locker is a [Lock], or a Lock on a manager.
type Locker interface {
	Lock(ctx context.Context) error
	TryLock() (bool, error)
	Unlock()
	MarkConsistent()
	Do(ctx context.Context, f func() error, repairs ...Repair) error
}

// An RLocker is an [RLock], or an RLock on a manager.
type RLocker interface {
	Lock(ctx context.Context) error
	TryLock(ctx context.Context) (bool, error)
	Unlock(ctx context.Context) error
	MarkConsistent()
	Do(ctx context.Context, f func() error, repairs ...Repair) error
}

// An Acquirer is a [Semaphore], or a Semaphore on a manager.
type Acquirer interface {
	Acquire(ctx context.Context) error
	Release() error
}

// A Signal is an [Event], or an Event on a manager.
type Signal interface {
	Wait(ctx context.Context) error
}

// A Meeting is a [Barrier], or a Barrier on a manager.
type Meeting interface {
	Wait(ctx context.Context) (place int, err error)
}

// A Queuer is a Queue of package transport, or a Queue on a manager.
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
	_ Signal   = (*Event)(nil)
	_ Meeting  = (*Barrier)(nil)
)
