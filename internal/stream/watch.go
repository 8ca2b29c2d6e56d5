package stream

import (
	"runtime"
	"time"
)

// A watch is how one looks for something before sleeping: for about as long as it takes to be woken, but hardly ever where
// it hardly ever comes in that time. Other goroutines run meanwhile.
type watch struct{ misses int }

const (
	patience  = 20 * time.Microsecond
	maxMisses = 8 // then one looks every eighth time only
)

// alone is whether nobody could bring about what one looks for.
var alone = runtime.NumCPU() == 1

// look reports whether ready was.
func (w *watch) look(ready func() bool) bool {
	if w.misses++; alone || w.misses > maxMisses && w.misses%maxMisses != 0 {
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
	return false
}
