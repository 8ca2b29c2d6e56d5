//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package proc

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bytesWaiting is the ioctl request for the number of bytes in a pipe: FIONREAD.
const bytesWaiting = 0x4004667f

// sysProcAttr sets no signal for the driver's death: a worker relies on the end of its pipe.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func wakeWithDriver() {}

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int, _ *Stopwatch) {
	queue, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer unix.Close(queue)
	var exit unix.Kevent_t
	unix.SetKevent(&exit, pid, unix.EVFILT_PROC, unix.EV_ADD)
	exit.Fflags = unix.NOTE_EXIT
	got := make([]unix.Kevent_t, 1)
	for {
		if _, err := unix.Kevent(queue, []unix.Kevent_t{exit}, got, nil); err != unix.EINTR {
			return
		}
	}
}

// startedWith returns 0: an exec restarts the kernel's count.
func startedWith() int64 { return 0 }

const peakRSS, data = "", ""

// ownStatus returns 0: the system does not report it.
func ownStatus(string) int64 { return 0 }

// maxRSS returns bytes, the unit of Darwin.
func maxRSS(usage *syscall.Rusage) int64 { return int64(usage.Maxrss) }

// anonymousFile returns shared memory that is freed when no process has it any more.
func anonymousFile(name string, size int64) (*os.File, error) {
	f, err := os.CreateTemp("", name)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(size)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func limitData(bytes uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}

func niceness() (int, error) { return unix.Getpriority(unix.PRIO_PROCESS, 0) }

func pin(int, int) error { return errors.ErrUnsupported }

func volunteer() {}

func ignoresStop() bool { return false }

func stopAsUsual() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// Threads reports no limit: the system does not report it.
func Threads() (used, limit int, limited bool) { return 0, 0, false }

// RSS returns 0: the system does not report it.
func RSS(int) int64 { return 0 }

// State returns "unknown": the system does not report it.
func (p *Process) State() string { return "unknown" }
