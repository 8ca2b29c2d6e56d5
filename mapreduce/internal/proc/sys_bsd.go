//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package proc

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func widen(*os.File) {}

// bytesWaiting is the request of ioctl for the number of bytes in a pipe: FIONREAD.
const bytesWaiting = 0x4004667f

// sysProcAttr: without a signal at the driver's death a worker relies on the end of its pipe alone.
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

// startedWith: an exec begins to count anew.
func startedWith() int64 { return 0 }

const peakRSS, data = "", ""

// ownStatus: it is not told here.
func ownStatus(string) int64 { return 0 }

// maxRSS is in bytes, as Darwin counts.
func maxRSS(usage *syscall.Rusage) int64 { return int64(usage.Maxrss) }

// anonymousFile returns shared memory that goes when nobody has it any more.
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

// Threads: that is not told here.
func Threads() (used, limit int, limited bool) { return 0, 0, false }

// RSS is not told here.
func RSS(int) int64 { return 0 }

// State says in a word what the system has the worker do: nothing of it is known here.
func (p *Process) State() string { return "unknown" }
