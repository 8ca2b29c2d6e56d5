package shm

import (
	"math/rand/v2"
	"sync/atomic"
)

// HolderKey is the key of the value of a context that says who holds a lock that can be locked again, within a process. The
// value is a uint64 from [NewHolder].
type HolderKey struct{}

// HolderShift is how many bits of a holder are 0.
const HolderShift = 24

// lastHolder begins anywhere, so that what a dead process has left looks like no holder of this one.
var lastHolder atomic.Uint64

func init() { lastHolder.Store(rand.Uint64()) }

// NewHolder returns a number that no other holder of this process has, odd if shifted by [HolderShift], and 0 below that.
func NewHolder() uint64 { return lastHolder.Add(1)<<(HolderShift+1) | 1<<HolderShift }
