package proc

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
	"mrrun/internal/unnamed"
)

// bytesWaiting is the ioctl request for the number of bytes in a pipe.
const bytesWaiting = unix.TIOCINQ

// sysProcAttr requests SIGTERM at the driver's death. It can be caught, so that a worker can kill
// its group, too.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// A stopped process does not see the SIGTERM of sysProcAttr until it is continued. (The kernel
// continues a stopped process group that becomes an orphan, but not if a process of the same
// session adopts it.) Each thread may set one more signal for the parent's end; a worker keeps a
// thread for that. Until the worker enters, the signal is SIGKILL: it has started nothing yet.
var guard = make(chan func())

func init() {
	if Marked() {
		go runJobs(guard) // never on the main thread, which runs init and has SIGTERM as its signal
		signalAtDriversEnd(unix.SIGKILL)
	}
}

// wakeWithDriver continues a stopped worker when its driver ends, so that it can kill its group.
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

// awaitExit returns when the process has ended, and leaves it to be reaped. stopped runs while the
// process is stopped.
func awaitExit(pid int, stopped *Stopwatch) {
	for is := false; ; {
		var next unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &next, unix.WEXITED|unix.WSTOPPED|unix.WCONTINUED|unix.WNOWAIT, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || next.Code != cldStopped && next.Code != cldContinued:
			return
		}
		next = unix.Siginfo{}
		_ = unix.Waitid(unix.P_PID, pid, &next, unix.WSTOPPED|unix.WCONTINUED|unix.WNOHANG, nil) // another change may follow
		switch {
		case next.Code == cldStopped && !is:
			is = true
			stopped.Start()
		case next.Code == cldContinued && is:
			is = false
			stopped.Stop()
		}
	}
}

// Codes of Waitid for a process that has not ended.
const (
	cldStopped   = 5
	cldContinued = 6
)

// startedWith returns how many bytes the kernel may count as memory of a process that this one has
// just started: until its exec the new process shares this one's memory, and keeps its peak.
func startedWith() int64 {
	if peak := ownStatus(peakRSS); peak > 0 {
		return peak
	}
	var usage syscall.Rusage // includes what this process was started with, so it is an upper bound
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return maxRSS(&usage)
}

// Sizes of this process's memory in /proc.
const (
	peakRSS = "VmHWM"  // the most that was in use
	data    = "VmData" // private writable memory, in use or not: what RLIMIT_DATA counts
)

// ownStatus returns a size of this process from /proc, in bytes, or 0 if it is not there.
func ownStatus(name string) (n int64) {
	status, _ := os.ReadFile("/proc/self/status")
	n, _ = strconv.ParseInt(statusWord(status, name), 10, 64)
	return n << 10
}

// statusWord returns the first word after a name in the status file of a process in /proc.
func statusWord(status []byte, name string) string {
	_, after, _ := strings.Cut(string(status), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	if words := strings.Fields(line); len(words) > 0 {
		return words[0]
	}
	return ""
}

// maxRSS returns bytes; Linux counts KiB.
func maxRSS(usage *syscall.Rusage) int64 { return usage.Maxrss << 10 }

// anonymousFile returns shared memory that is freed when no process has it any more. Where the
// system refuses such memory, it is that of a file without a name.
func anonymousFile(name string, size int64) (*os.File, error) {
	f, err := memoryFile(name)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	if err := shm.ReserveFile(f, 0, size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func memoryFile(name string) (*os.File, error) {
	if fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC); err == nil {
		return os.NewFile(uintptr(fd), name), nil
	}
	f, err := unnamed.File(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("the system refuses memfd_create, and so does the folder for temporary files: %w", err)
	}
	return f, nil
}

// limitData bounds the heap and everything else that this process maps for itself, in bytes.
// RLIMIT_AS would not do: the Go runtime reserves far more than it uses.
func limitData(bytes uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}

// niceness returns by how much this process's priority is lowered, from -20 to 19.
func niceness() (int, error) {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return 20 - raw, err // the kernel avoids negative numbers
}

// pin keeps a process, and what it starts, on processor n of those that it may use; n wraps around.
func pin(pid, n int) error {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &all); err != nil {
		return err
	}
	count := all.Count()
	if count == 0 {
		return nil
	}
	n %= count
	for cpu := 0; ; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if n == 0 {
			return pinAllThreads(pid, cpu)
		}
		n--
	}
}

// pinAllThreads pins every thread, since affinity belongs to threads, and a new one inherits that
// of its parent. A thread that is not pinned yet may start another while the list is read, so
// pinAllThreads reads it until every thread was pinned.
func pinAllThreads(pid, cpu int) error {
	var one unix.CPUSet
	one.Set(cpu)
	pinned := make(map[string]bool)
	for more := true; more; {
		more = false
		threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil || pinned[t.Name()] {
				continue
			}
			if err := unix.SchedSetaffinity(tid, &one); err != nil && err != unix.ESRCH {
				return err
			}
			pinned[t.Name()], more = true, true
		}
	}
	return nil
}

// ignoresStop reports whether this process was started so that Ctrl-Z does nothing to it. Package
// signal reports this only for other signals.
func ignoresStop() bool {
	status, _ := os.ReadFile("/proc/self/status")
	ignored, _ := strconv.ParseUint(statusWord(status, "SigIgn"), 16, 64)
	return ignored>>(unix.SIGTSTP-1)&1 == 1
}

// stopAsUsual gives SIGTSTP the effect that it has on a process that does not catch it: it stops,
// unless no process could continue it. stopAsUsual returns when the process continues. Package
// signal does not restore that effect after Notify.
func stopAsUsual() {
	runtime.LockOSThread() // so that the signal is delivered before its sending returns
	defer runtime.UnlockOSThread()
	var usual, before [64]byte // struct sigaction of the kernel, and more; zero is the default
	setAction(&usual, &before)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
	setAction(&before, nil)
}

func setAction(to, before *[64]byte) {
	const maskSize = 8
	_, _, _ = unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTSTP), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(before)), maskSize, 0, 0)
}

// volunteer makes the kernel choose this worker before its driver when it must kill a process
// because memory has run out: a worker's items are computed again. Workers of workers come first.
func volunteer() {
	const file, most = "/proc/self/oom_score_adj", 1000
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if now, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		_ = os.WriteFile(file, []byte(strconv.Itoa(now+(most-now)*9/10)), 0)
	}
}

// RSS returns how many bytes of memory a process has in use now, or 0 if that is unknown.
func RSS(pid int) int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// State returns the worker's state in the system: "running", "sleeping", "waiting for a device",
// "stopped" or "unknown".
func (p *Process) State() string {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/stat")
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
	state, _, _ := strings.Cut(rest, " ")
	switch state {
	case "R":
		return "running"
	case "S":
		return "sleeping"
	case "D":
		return "waiting for a device"
	case "T", "t":
		return "stopped"
	}
	return "unknown"
}
