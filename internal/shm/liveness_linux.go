package shm

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lives reports whether the process with this id and start time still runs. It does while any of
// its threads runs, even if the first has ended; a zombie without threads does not run.
func lives(pid int, start uint32) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	switch err {
	case nil:
		defer unix.Close(fd)
		ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(ended, 0); err == nil && n > 0 {
			return false
		}
	case unix.ESRCH, unix.EINVAL, unix.ENOENT: // no process, or by now the number of a thread
		return false
	default: // not permitted, or no descriptor is free
		if unix.Kill(pid, 0) == unix.ESRCH {
			return false
		}
	}
	now := startOf(pid)
	return now == 0 || now == start&startMask
}

// startOf returns when a process started, in clock ticks since the system did, modulo 2^24: it
// tells apart processes with the same number. It is 0 if unknown.
func startOf(pid int) uint32 {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	after := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may contain spaces
	if len(after) < 20 {
		return 0
	}
	start, _ := strconv.ParseUint(string(after[19]), 10, 64)
	return uint32(start & startMask)
}

func closeOnExec(fd uintptr) { unix.CloseOnExec(int(fd)) }
