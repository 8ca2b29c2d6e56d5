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

// A stopped process does not see the SIGTERM of sysProcAttr until it is continued. (The kernel continues a stopped process
// group that becomes an orphan, but not where a process of the same session adopts it.) Each thread may name one signal
// more for the parent's end; a worker keeps a thread for that. Until it enters that is SIGKILL: it has started nothing yet.
var guard = make(chan func())

func init() {
	if Marked() {
		go runJobs(guard) // never on the main thread, which an init holds, and whose signal is SIGTERM
		signalAtDriversEnd(unix.SIGKILL)
	}
}

// wakeWithDriver has a stopped worker continue when its driver ends, so that it can take its group with it.
func wakeWithDriver() { signalAtDriversEnd(unix.SIGCONT) }

// signalAtDriversEnd sets the second signal.
func signalAtDriversEnd(s syscall.Signal) {
	set := make(chan struct{})
	guard <- func() {
		_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(s), 0, 0, 0)
		close(set)
	}
	<-set
}

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// maxRSS is in bytes.
func maxRSS(usage *syscall.Rusage) int64 { return usage.Maxrss << 10 }
