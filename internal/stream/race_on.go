//go:build race

package stream

import (
	"runtime"
	"unsafe"
)

// The race detector does not see shared memory: it must be told that what comes out of a lane was
// put in before.
var moved uint64

func raceRelease() { runtime.RaceReleaseMerge(unsafe.Pointer(&moved)) }

func raceAcquire() { runtime.RaceAcquire(unsafe.Pointer(&moved)) }
