//go:build linux

package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStartErrorHints(t *testing.T) {
	for errno, hint := range map[syscall.Errno]string{
		syscall.EMFILE: "ulimit -n", syscall.ENFILE: "ulimit -n", syscall.EAGAIN: "ulimit -u", syscall.ENOENT: "",
	} {
		err := startError(Spec{ID: 4}, os.NewSyscallError("fork", errno))
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), "worker 4") || strings.Contains(err.Error(), "ulimit") != (hint != "") ||
			!strings.Contains(err.Error(), hint) {
			t.Errorf("%v", err)
		}
	}
}

// Whichever descriptor is one too many, Start says so and leaves none open.
func TestStartWithoutDescriptors(t *testing.T) {
	if p, err := startTest(t, "", nil); err != nil { // opens what the runtime keeps
		t.Fatal(err)
	} else {
		p.Stop(StopTime)
		p.Close()
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) }()
	before := descriptors(t)
	first := lowestFree(t)
	failures := 0
	for extra := range uint64(64) {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(first) + extra, Max: old.Max})
		p, err := Start(Spec{ID: 1})
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
		if err == nil {
			p.Kill()
			p.Exit()
			p.Close()
			break
		}
		failures++
		if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("with %d descriptors: %v", extra, err)
		}
	}
	if after := descriptors(t); !slices.Equal(after, before) {
		t.Errorf("descriptors before %v, after %v", before, after)
	}
	if failures < 9 || failures > 60 {
		t.Errorf("%d starts failed", failures)
	}
}

func descriptors(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all = append(all, e.Name()+"="+target)
		}
	}
	return all
}

func lowestFree(t *testing.T) int {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return int(f.Fd())
}

// playNoProcesses starts a worker as a user that may have no more processes. Threads count as such,
// and a runtime that cannot start one gives up: those that it needs must exist before, and the
// limit is in force only for a moment.
func playNoProcesses() {
	_, _ = startLocked("", nil, &os.ProcAttr{})
	spareThreads(16)
	var old syscall.Rlimit
	_ = syscall.Getrlimit(unix.RLIMIT_NPROC, &old)
	if os.Getuid() == 0 { // root is not limited
		if err := syscall.Setuid(65534); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	_ = syscall.Setrlimit(unix.RLIMIT_NPROC, &syscall.Rlimit{Max: old.Max})
	_, err := Start(Spec{ID: 1})
	_ = syscall.Setrlimit(unix.RLIMIT_NPROC, &old)
	fmt.Println(errors.Is(err, syscall.EAGAIN), err)
	os.Exit(0)
}

// spareThreads makes the runtime start threads while it may, by holding n of them at the same time.
func spareThreads(n int) {
	var holding, over sync.WaitGroup
	holding.Add(n)
	for range n {
		over.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			holding.Done()
			holding.Wait()
		})
	}
	over.Wait()
}

func TestStartWithoutProcesses(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "MRRUN_TEST_NPROC=0", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "true start worker 1: ") || !strings.Contains(string(out), "ulimit -u") {
		t.Errorf("%v: %s", err, out)
	}
}
