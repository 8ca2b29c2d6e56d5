package shm

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Slice is how long a wait may last before the waiter must check whether the processes it waits for
// are alive.
const Slice = 50 * time.Millisecond

// WaitContext blocks while the word is expected, until it is woken, ctx ends or d has passed; d may
// be at most a [Slice]. It may also return for no reason: the caller must look again, at the word
// and at ctx. It reports whether d has passed. The calling goroutine must have the turn for the
// word's object, since the wait holds a thread.
func (w *Word) WaitContext(ctx context.Context, expected uint32, d time.Duration) (timedOut bool) {
	if ctx.Done() == nil || interleaved() {
		return w.Wait(expected, d)
	}
	var returned atomic.Bool
	stop := context.AfterFunc(ctx, func() {
		// The waiter may not be in the kernel yet, and nothing tells when it is.
		for pause := time.Microsecond; !returned.Load(); pause = min(2*pause, 200*time.Microsecond) {
			w.WakeAll()
			time.Sleep(pause)
		}
	})
	timedOut = w.Wait(expected, d)
	returned.Store(true)
	stop()
	return timedOut
}

// spinTime is about what a wait in the kernel and the wake-up cost.
const spinTime = 20 * time.Microsecond

// Spin calls try for some microseconds until it reports true, and reports whether it did. It does
// not spin where that would only keep others from running: if there are more processes than
// processors, not counting the root, which mostly waits for the others.
func (p *Process) Spin(try func() bool) bool {
	if interleaved() || p.crowded() {
		return false
	}
	for start := time.Now(); time.Since(start) < spinTime; {
		for range 16 {
			if try() {
				return true
			}
		}
	}
	return false
}

// recount is how long a count of the processes stays valid.
const recount = 10 * time.Millisecond

// crowded reports whether there are more processes than processors, or nothing that could run
// meanwhile.
func (p *Process) crowded() bool {
	now := time.Now().UnixNano()
	if last := p.counted.Load(); now-last > int64(recount) && p.counted.CompareAndSwap(last, now) {
		n, cores := p.table.running(), runtime.NumCPU()
		alone := n == 1 && runtime.GOMAXPROCS(0) == 1
		p.many.Store(n-1 > cores || cores == 1 || alone)
	}
	return p.many.Load()
}
