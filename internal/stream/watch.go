package stream

import (
	"runtime"
	"time"
)

// A watch decides how a goroutine spins before it sleeps: for about as long as a wake-up takes, but
// seldom where that has hardly ever helped. Other goroutines run meanwhile.
type watch struct{ misses int }

const (
	patience  = 20 * time.Microsecond
	maxMisses = 8 // after so many, only every eighth look spins
)

// alone reports that no other processor could bring about what the goroutine waits for.
var alone = runtime.NumCPU() == 1

// look spins until ready reports true, and reports whether it did.
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
