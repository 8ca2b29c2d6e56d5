package shm

import (
	"math/rand/v2"
	"sync/atomic"
)

// HolderKey is the context key for the holder of reentrant locks, within one process. The value is
// a uint64 from [NewHolder].
type HolderKey struct{}

// HolderShift is how many low bits of a holder are 0.
const HolderShift = 24

// lastHolder starts at a random number, so that no holder left by a dead process looks like one of
// this process.
var lastHolder atomic.Uint64

func init() { lastHolder.Store(rand.Uint64()) }

// NewHolder returns a number that no other holder of this process has. It is odd when shifted right
// by [HolderShift], and its lower bits are 0.
func NewHolder() uint64 { return lastHolder.Add(1)<<(HolderShift+1) | 1<<HolderShift }
