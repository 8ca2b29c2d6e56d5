package proc

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize lets many small frames gather on either side of a pipe. It is a wish: a user's total is limited.
const pipeSize = 1 << 20

func widen(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
}

// sysProcAttr: SIGTERM can be caught, so that a worker whose driver is gone takes its group with it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// maxRSS is in bytes.
func maxRSS(usage *syscall.Rusage) int64 { return usage.Maxrss << 10 }
