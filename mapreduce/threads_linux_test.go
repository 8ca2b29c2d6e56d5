package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"mrrun/mapreduce/internal/proc"
)

const noThreadsVariable = "MRRUN_TEST_NO_THREADS"

var takeThreadsTask = Func(takeThreads)

// takeThreads takes n threads, or, if n is 0, as many as the system gives.
func takeThreads(n int) int {
	if n > 0 {
		return n
	}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 1, Max: 1}); err != nil {
		panic(err)
	}
	for {
		go func() {
			runtime.LockOSThread()
			select {}
		}()
		runtime.Gosched()
	}
}

func init() {
	if proc.Marked() && os.Getenv(noThreadsVariable) != "" {
		takeThreads(0)
	}
	scenarios["threads"] = func() {
		Main(func(ctx context.Context) error {
			var limit uint64
			var when string
			if _, err := fmt.Sscan(os.Getenv(noThreadsVariable), &limit, &when); err != nil {
				return err
			}
			os.Unsetenv(noThreadsVariable)
			if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
				return err
			}
			verbose := Env("GOTRACEBACK=all")
			if when == "start" {
				verbose = Env("GOTRACEBACK=all", noThreadsVariable+"=1")
			}
			if when == "process" {
				p, err := takeThreadsTask.Start(ctx, 0, verbose.(ProcessOption))
				if err == nil {
					_, err = p.Wait()
				}
				return err
			}
			p, err := NewPool(ctx, Procs(8), verbose)
			if err != nil {
				if !errors.Is(err, syscall.EAGAIN) {
					return fmt.Errorf("%w is not EAGAIN", err)
				}
				return err
			}
			defer p.Terminate()
			items := []int{1, 2, 3}
			if when == "task" {
				items = []int{1, 0, 3}
			}
			results, err := takeThreadsTask.Map(ctx, p, items)
			fmt.Println("results", results)
			return err
		})
	}
}

// asUser changes a command that runs this binary to run it as a user who is not root, since limits
// do not apply to root.
func asUser(cmd *exec.Cmd) *exec.Cmd {
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.Path = "/proc/self/exe" // the folders above the file belong to root
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// If a user has too few threads, one line says so and what to do: when the driver foresees it, when
// a worker finds out as it starts, and when it finds out as it runs.
func TestTooFewThreads(t *testing.T) {
	for _, test := range []struct {
		name, limit string
		lines       int // on standard error
		results     string
	}{
		{"enough", "9999", 0, "[1 2 3]"},
		{"too few", "20", 1, ""},
		{"a worker's start", "9999 start", 1, ""},
		{"a worker's task", "9999 task", 1 + 1 + DefaultRetries, "[1 0 3]"}, // and the log about each worker
		{"a process", "9999 process", 2, ""},                                // reported at once, and by main
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, "threads", asUser(thisBinary(nil)), noThreadsVariable+"="+test.limit+" -")
			if test.results != "" {
				if got := p.await("results", 1)[0]; got != test.results {
					t.Errorf("results %s, want %s", got, test.results)
				}
			}
			if code := p.exit(); (code != 0) != (test.lines > 0) {
				t.Errorf("exit status %d", code)
			}
			said := p.stderr.String()
			for line := range strings.Lines(said) {
				if !strings.Contains(line, "ulimit -u") {
					t.Errorf("a line does not say what to do: %s", line)
				}
			}
			if n := strings.Count(said, "\n"); n != test.lines {
				t.Errorf("%d lines, want %d:\n%s", n, test.lines, said)
			}
		})
	}
}
