//go:build race

package shm

import (
	"runtime"
	"unsafe"
)

// A racer tells the race detector, which does not see shared memory, what happens there.
type racer struct{ addresses [64]uint64 }

// Acquire says that what this process did before a Release of the same object happened before.
func (r *racer) Acquire(o *Object) { runtime.RaceAcquire(unsafe.Pointer(&r.addresses[o.unit%64])) }

// Release is the counterpart of Acquire.
func (r *racer) Release(o *Object) { runtime.RaceReleaseMerge(unsafe.Pointer(&r.addresses[o.unit%64])) }
