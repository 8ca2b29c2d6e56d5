package shm

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lives reports whether a process that started then still runs. When its first thread has ended and another has not, it
// does; as a zombie without threads it does not.
func lives(pid int, start uint32) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	switch err {
	case nil:
		defer unix.Close(fd)
		ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(ended, 0); err == nil && n > 0 {
			return false
		}
	case unix.ESRCH, unix.EINVAL, unix.ENOENT: // nobody's, or by now the number of a thread
		return false
	default: // not allowed to, or no descriptor free
		if unix.Kill(pid, 0) == unix.ESRCH {
			return false
		}
	}
	now := startOf(pid)
	return now == 0 || now == start&startMask
}

// startOf tells processes with the same number apart: when it started, in clock ticks since the system did, modulo 2^24.
// It is 0 if that cannot be told.
func startOf(pid int) uint32 {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	after := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // its name may have spaces
	if len(after) < 20 {
		return 0
	}
	start, _ := strconv.ParseUint(string(after[19]), 10, 64)
	return uint32(start & startMask)
}

func closeOnExec(fd uintptr) { unix.CloseOnExec(int(fd)) }
