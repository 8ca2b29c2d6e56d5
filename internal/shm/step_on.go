//go:build interleave

package shm

import "time"

// A Scheduler runs simulated processes one at a time, each up to its next atomic operation; see
// package interleave.
type Scheduler interface {
	Step()                                            // before each operation; ends the goroutine of a killed process
	Wait(at *uint32, expected uint32) (timedOut bool) // takes the place of FUTEX_WAIT
	Wake(at *uint32, n int) int                       // takes the place of FUTEX_WAKE
	Elapsed() bool                                    // decides whether a duration has passed
}

var scheduler Scheduler

// SetScheduler makes s decide from now on; with nil nothing does. It must be called while no
// simulated process runs.
func SetScheduler(s Scheduler) { scheduler = s }

func interleaved() bool { return scheduler != nil }

func step() {
	if scheduler != nil {
		scheduler.Step()
	}
}

// Elapsed reports whether d has passed since then.
func Elapsed(since time.Time, d time.Duration) bool {
	if scheduler != nil {
		return scheduler.Elapsed()
	}
	return time.Since(since) >= d
}
