//go:build !interleave

package shm

import "time"

// step is where tests built with the tag interleave choose which process runs next; here it does
// nothing.
func step() {}

func interleaved() bool { return false }

// A Scheduler has a use only in builds with the tag interleave.
type Scheduler interface {
	Wait(at *uint32, expected uint32) (timedOut bool)
	Wake(at *uint32, n int) int
}

var scheduler Scheduler

// Elapsed reports whether d has passed since then.
func Elapsed(since time.Time, d time.Duration) bool { return time.Since(since) >= d }
