//go:build !linux

package shm

// Findable returns false: there is no shared memory.
func Findable() bool { return false }

// FindsParent returns false.
func FindsParent() bool { return false }
