package shm

import (
	"sync/atomic"
	"time"
)

// A Word is 32 bits in shared memory. Every method is one atomic operation; the process may die
// right after it.
type Word struct{ v uint32 }

// Load returns the value.
func (w *Word) Load() uint32 {
	step()
	return atomic.LoadUint32(&w.v)
}

// Store sets the value.
func (w *Word) Store(v uint32) {
	step()
	atomic.StoreUint32(&w.v, v)
}

// CompareAndSwap sets the value to v if it is old, and reports whether it was.
func (w *Word) CompareAndSwap(old, v uint32) bool {
	step()
	return atomic.CompareAndSwapUint32(&w.v, old, v)
}

// Add adds d and returns the sum.
func (w *Word) Add(d uint32) uint32 {
	step()
	return atomic.AddUint32(&w.v, d)
}

// Wait blocks while the value is expected, until Wake or for at most d; it may also return for no
// reason. It reports whether d has passed. It holds a thread, so only the goroutine that has the
// turn may call it, see [Process.TakeTurn].
func (w *Word) Wait(expected uint32, d time.Duration) (timedOut bool) {
	if interleaved() {
		return scheduler.Wait(&w.v, expected)
	}
	return futexWait(&w.v, expected, d)
}

// Wake wakes up to n waiters, in any processes, and returns how many it woke.
func (w *Word) Wake(n int) int {
	if interleaved() {
		return scheduler.Wake(&w.v, n)
	}
	return futexWake(&w.v, n)
}

// WakeAll wakes all that wait.
func (w *Word) WakeAll() int { return w.Wake(1<<31 - 1) }

// A Word64 is 64 bits in shared memory. Nothing can wait at it.
type Word64 struct{ v uint64 }

// Load returns the value.
func (w *Word64) Load() uint64 {
	step()
	return atomic.LoadUint64(&w.v)
}

// Store sets the value.
func (w *Word64) Store(v uint64) {
	step()
	atomic.StoreUint64(&w.v, v)
}

// Swap sets the value and returns the previous one.
func (w *Word64) Swap(v uint64) (old uint64) {
	step()
	return atomic.SwapUint64(&w.v, v)
}

// CompareAndSwap sets the value to v if it is old, and reports whether it was.
func (w *Word64) CompareAndSwap(old, v uint64) bool {
	step()
	return atomic.CompareAndSwapUint64(&w.v, old, v)
}

// Add adds d and returns the sum.
func (w *Word64) Add(d uint64) uint64 {
	step()
	return atomic.AddUint64(&w.v, d)
}

// Or sets bits and returns the previous value.
func (w *Word64) Or(bits uint64) (old uint64) {
	step()
	return atomic.OrUint64(&w.v, bits)
}

// And keeps the given bits, clears all others and returns the previous value.
func (w *Word64) And(bits uint64) (old uint64) {
	step()
	return atomic.AndUint64(&w.v, bits)
}
