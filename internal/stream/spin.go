package stream

import (
	"runtime"
	"time"
)

// A watch decides whether a goroutine spins before it sleeps. It does as long as that helps; each
// time that it does not, the goroutine sleeps at once for twice as many waits before it tries
// again. Other goroutines run meanwhile.
type watch struct{ misses, skip int }

const (
	// patience is more than it takes to wake the other process and to be woken by it, so that two
	// processes that take turns find out that they need not sleep.
	patience = 50 * time.Microsecond

	maxMisses = 6 // misses in a row that count: a spin for 64 waits costs less than any of them
)

// alone reports that no other processor could bring about what the goroutine waits for.
var alone = runtime.NumCPU() == 1

// spin returns as soon as ready reports true, and reports whether it did.
func (w *watch) spin(ready func() bool) bool {
	if alone {
		return false
	}
	if w.skip > 0 {
		w.skip--
		return false
	}
	for began := time.Now(); time.Since(began) < patience; runtime.Gosched() {
		for range 16 {
			if ready() {
				w.misses = 0
				return true
			}
		}
	}
	w.misses = min(w.misses+1, maxMisses)
	w.skip = 1<<w.misses - 1
	return false
}
