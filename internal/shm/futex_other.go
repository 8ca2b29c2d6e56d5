//go:build !linux

package shm

import "time"

// Without regions there are no words to wait at.
func futexWait(*uint32, uint32, time.Duration) bool { panic(ErrUnsupported) }
func futexWake(*uint32, int) int                    { panic(ErrUnsupported) }
