//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"mrrun/mapreduce/internal/proc"
)

// A use says how a task uses memory.
type use struct {
	MiB int
	End string
}

var useTask = Func(func(u use) int {
	touch(u.MiB)
	switch u.End {
	case "exit":
		os.Exit(3)
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return u.MiB
})

// touch allocates mib MiB, and returns when all of it is in use.
func touch(mib int) []byte {
	b := make([]byte, mib<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

const driverMiB = 128

func init() {
	scenarios["large driver"] = func() {
		Main(func(ctx context.Context) error {
			touch(driverMiB)
			pool, err := NewPool(ctx, Procs(1), Retries(0), silent())
			if err != nil {
				return err
			}
			defer pool.Close()
			for _, end := range []string{"", "exit", "SIGKILL"} {
				for _, mib := range []int{1, driverMiB + 64} {
					p, err := useTask.Start(ctx, use{mib, end})
					if err != nil {
						return err
					}
					<-p.Done()
					exit, _ := p.Exit()
					of := [2]int64{exit.MaxRSS}
					if end != "" {
						_, err = useTask.Apply(ctx, pool, use{mib, end})
						if lost, ok := errors.AsType[*WorkerLostError](err); ok {
							of[1] = lost.MaxRSS
						}
					}
					fmt.Println("used", mib, of[0]>>20, of[1]>>20, end)
				}
			}
			return nil
		})
	}
}

// MaxRSS is the worker's own memory, although the kernel's count begins with that of the driver.
func TestMaxRSSIsTheWorkersOwn(t *testing.T) {
	checkLeaks(t)
	p := start(t, "large driver", thisBinary(nil))
	for _, line := range p.await("used", 6) {
		var mib, process, worker int
		var end string
		_, _ = fmt.Sscan(line, &mib, &process, &worker, &end)
		all := []int{process, worker}
		if end == "" {
			all = all[:1] // no worker was lost
		}
		for _, got := range all {
			if small := mib < driverMiB; small && (got <= 0 || got >= driverMiB) || !small && (got < mib || got > 3*mib) {
				t.Errorf("one that used %d MiB and ended by %q is said to have used %d", mib, end, got)
			}
		}
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d; stderr:\n%s", code, &p.stderr)
	}
}

// An item may take its limit beyond what its worker uses at rest, even in a program with cgo, and
// an item that takes more fails with ErrMemoryLimit.
func TestMemoryLimitOfItems(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		t.Run("CGO_ENABLED="+cgo, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "memorylimit")
			build := exec.Command("go", "build", "-o", path, "./testdata/memorylimit")
			build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if out, err := exec.Command(path).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// Under a limit, a crash counts as lack of memory if the runtime says so, or if the limit was
// nearly reached.
func TestOutOfMemory(t *testing.T) {
	const limit = 100
	runtimeCrash := "SIGSEGV: segmentation violation\nPC=0x43 m=6 sigcode=1 addr=0x0\n\ngoroutine 0 gp=0x6 m=6 mp=0x8 [idle]:\nruntime.(*spanQueue).tryDrain(0x6)\n"
	cgoCrash := "SIGSEGV: segmentation violation\nPC=0x43 m=6 sigcode=1 addr=0x0\nsignal arrived during cgo execution\n\ngoroutine 1 gp=0x6 m=6 mp=0x8 [syscall]:\nruntime.cgocall(0x6)\n"
	for _, test := range []struct {
		exit proc.Exit
		want bool
	}{
		{proc.Exit{Code: 2, Stderr: "fatal error: runtime: out of memory\n\nruntime stack:"}, true},
		{proc.Exit{Code: 2, Stderr: "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort"}, true},
		{proc.Exit{Code: 2, Stderr: runtimeCrash}, true},
		{proc.Exit{Code: 66, Stderr: "==7==ERROR: ThreadSanitizer failed to allocate 0x1 bytes"}, true},
		{proc.Exit{Code: 2, Stderr: cgoCrash, Taken: 90}, true},
		{proc.Exit{Code: -1, Signal: syscall.SIGSEGV, Taken: 90}, true},

		{proc.Exit{Code: 2, Stderr: cgoCrash, Taken: 50}, false},
		{proc.Exit{Code: -1, Signal: syscall.SIGSEGV, Taken: 50}, false},
		{proc.Exit{Code: 1, Stderr: "fatal error: runtime: out of memory", Taken: 90}, false},
		{proc.Exit{Code: 2, Stderr: "panic: shop: fatal error: out of memory"}, false},
		{proc.Exit{Code: 3, Taken: 90}, false},
		{proc.Exit{Code: -1, Signal: syscall.SIGKILL, Taken: 50}, false},
	} {
		if got := outOfMemory(test.exit, limit); got != test.want {
			t.Errorf("%+v: %t", test.exit, got)
		}
		if outOfMemory(test.exit, 0) {
			t.Errorf("%+v: without a limit", test.exit)
		}
	}
}

// The output of a task does not make it one that took too much memory.
func TestMemoryLimitByWords(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, Procs(1), MemoryLimit(testMemory), silent())
	_, err := sayTask.Apply(t.Context(), p, "fatal error: out of memory")
	lost, ok := errors.AsType[*WorkerLostError](err)
	if !ok || lost.OOM || errors.Is(err, ErrMemoryLimit) || p.Stats().Retried != DefaultRetries {
		t.Errorf("%v; %+v", err, p.Stats())
	}
}

var sayTask = Func(func(words string) int {
	fmt.Fprintln(os.Stderr, words)
	os.Exit(1)
	return 0
})
