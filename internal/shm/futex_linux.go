package shm

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Several processes map the file that has the words, so these are not the private operations of
// futex(2).
const (
	opWait = 0
	opWake = 1
)

func futexWait(at *uint32, expected uint32, d time.Duration) (timedOut bool) {
	ts := unix.NsecToTimespec(int64(d))
	_, _, errno := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(at)), opWait, uintptr(expected),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	return errno == unix.ETIMEDOUT
}

// futexWake never blocks, so the Go scheduler need not know of it.
func futexWake(at *uint32, n int) int {
	woken, _, _ := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(at)), opWake, uintptr(n), 0, 0, 0)
	return int(woken)
}
