package proc

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
)

// pipeSize lets many small frames gather on either side of a pipe. It is a wish: a user's total is limited.
const pipeSize = 1 << 20

// bytesWaiting is the request of ioctl for the number of bytes in a pipe.
const bytesWaiting = unix.TIOCINQ

func widen(pipe *os.File) {
	control(pipe, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) })
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

// awaitExit returns when the process has ended, and leaves it to be reaped. stopped runs while the process is.
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
		_ = unix.Waitid(unix.P_PID, pid, &next, unix.WSTOPPED|unix.WCONTINUED|unix.WNOHANG, nil) // it may have changed again
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

// What Waitid says of a process that has not ended.
const (
	cldStopped   = 5
	cldContinued = 6
)

// startedWith returns what the kernel may count as the memory of a process that this one has just started, in bytes: until
// its exec the new process shares this one's memory, whose peak it keeps.
func startedWith() int64 {
	if peak := ownStatus(peakRSS); peak > 0 {
		return peak
	}
	var usage syscall.Rusage // which begins with what this process itself was started with: more than need be
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return maxRSS(&usage)
}

// What /proc tells of this process's memory.
const (
	peakRSS = "VmHWM"  // the most that was in use
	data    = "VmData" // what is its own to write to, in use or not: what RLIMIT_DATA counts
)

// ownStatus returns a size that /proc tells of this process, in bytes, 0 if it tells nothing.
func ownStatus(name string) (n int64) {
	status, _ := os.ReadFile("/proc/self/status")
	n, _ = strconv.ParseInt(statusWord(status, name), 10, 64)
	return n << 10
}

// statusWord returns the first word behind a name in what /proc tells of a process.
func statusWord(status []byte, name string) string {
	_, after, _ := strings.Cut(string(status), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	if words := strings.Fields(line); len(words) > 0 {
		return words[0]
	}
	return ""
}

// maxRSS is in bytes.
func maxRSS(usage *syscall.Rusage) int64 { return usage.Maxrss << 10 }

// anonymousFile returns shared memory that goes when nobody has it any more.
func anonymousFile(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	err = f.Truncate(size)
	if err == nil {
		err = shm.ReserveFile(f, 0, size)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// limitData bounds the heap and all else that this process maps for itself. RLIMIT_AS would not do: the Go runtime reserves
// far more than it uses.
func limitData(bytes uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}

// niceness returns how much this process's priority is lowered, -20 to 19.
func niceness() (int, error) {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return 20 - raw, err // the kernel's way to have no negative numbers
}

// pin keeps a process, and what it starts, on one processor of those that it may use.
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

// pinAllThreads: affinity belongs to threads, and new ones have that of their parents. One that is not pinned yet may
// start another behind the back of a look, so it looks until there is none that it has not pinned.
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

// ignoresStop reports whether this process was started so that Ctrl-Z does nothing to it. Package signal knows that of other
// signals only.
func ignoresStop() bool {
	status, _ := os.ReadFile("/proc/self/status")
	ignored, _ := strconv.ParseUint(statusWord(status, "SigIgn"), 16, 64)
	return ignored>>(unix.SIGTSTP-1)&1 == 1
}

// stopAsUsual has SIGTSTP do to this process what it does to one that does not receive it, which is nothing where nobody
// could continue it. It returns when the process goes on. Package signal does not give that back when it has been notified.
func stopAsUsual() {
	runtime.LockOSThread() // so that the signal is delivered before its sending returns
	defer runtime.UnlockOSThread()
	var usual, before [64]byte // the kernel's struct sigaction: zero is the default, and the rest has less than that
	setAction(&usual, &before)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
	setAction(&before, nil)
}

func setAction(to, before *[64]byte) {
	const maskSize = 8
	_, _, _ = unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGTSTP), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(before)), maskSize, 0, 0)
}

// volunteer has the kernel choose this process, a worker, before its driver when it must end one for want of memory: a
// worker's items are computed again. Workers of workers come before those.
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

// RSS returns how much memory a process has in use now, in bytes, 0 if that cannot be told.
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

// State says in a word what the system has the worker do.
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
