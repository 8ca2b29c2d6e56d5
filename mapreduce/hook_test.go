//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

func twice(n int) int { return 2 * n }

var twice1, twice2 = Func(twice), Func(twice)

var hookTask = Func(func(do string) string {
	switch do {
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "own pipes":
		requests, _ := os.Readlink("/proc/self/fd/3")
		answers, _ := os.Readlink("/proc/self/fd/4")
		return requests + " " + answers
	case "environment of a child":
		out, err := exec.Command("env").CombinedOutput()
		return fmt.Sprint(string(out), err)
	case "descriptors of a child":
		out, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
		return fmt.Sprint(string(out), err)
	}
	return do
})

// extraVariable says in which processes the scenario "registers" has one more task.
const extraVariable = "MRRUN_TEST_EXTRA"

func registerExtra() {
	who := "driver"
	if proc.Marked() {
		who = "worker"
	}
	switch os.Getenv(extraVariable) {
	case who:
		Func(func(a uint8) uint8 { return a })
	case who + " otherwise":
		obeyTask.entry.types = "others"
	}
}

func init() {
	// pool prints why NewPool failed.
	pool := func(options ...PoolOption) {
		p, err := NewPool(context.Background(), append(options, Procs(1))...)
		if err == nil {
			p.Close()
		}
		fmt.Printf("pool %v %t %t\n", len(children(os.Getpid())), errors.Is(err, ErrNotInitialized), errors.Is(err, ErrNoHello))
		fmt.Fprint(os.Stderr, err)
	}
	scenarios["no Init"] = func() { pool() }
	scenarios["registers"] = func() {
		registerExtra()
		Init()
		pool()
	}
	scenarios["worker exits"] = func() {
		if proc.Marked() {
			fmt.Fprintln(os.Stderr, "no licence")
			os.Exit(9)
		}
		Init()
		pool()
	}
	scenarios["worker hangs"] = func() {
		if proc.Marked() {
			fmt.Fprintln(os.Stderr, "thinking")
			time.Sleep(time.Hour)
		}
		Init()
		pool(StartTimeout(time.Second))
	}
	scenarios["driver sleeps"] = func() {
		if proc.Marked() {
			fmt.Fprintln(os.Stderr, "on its way")
			for slept, over := false, false; !over; time.Sleep(time.Millisecond) {
				state, _ := status(os.Getppid())
				over = slept && state != 'T'
				slept = slept || state == 'T'
			}
		} else {
			fmt.Println("driver", os.Getpid())
		}
		Init()
		pool(StartTimeout(sleepingDriverLimit))
	}
	scenarios["stray"] = func() {
		Main(func(context.Context) error {
			fmt.Println("body entered")
			return nil
		})
	}
	scenarios["impostor"] = func() { // its workers run another program before Init
		if proc.Marked() && os.Getpid() == syscall.Getpgrp() {
			path, _ := os.Executable() // os.Args[0] shows which worker it is
			self := exec.Command(path)
			self.ExtraFiles = []*os.File{os.NewFile(3, "requests"), os.NewFile(4, "answers")}
			out, _ := self.CombinedOutput()
			fmt.Fprintf(os.Stderr, "impostor: status %d, %s", self.ProcessState.ExitCode(), out)
			os.Exit(9)
		}
		Init()
		pool()
	}
	scenarios["daemon"] = func() { // its workers give their pipes to an escaped process
		if proc.Marked() {
			child := exec.Command("sleep", "1000")
			child.ExtraFiles = []*os.File{os.NewFile(3, "requests"), os.NewFile(4, "answers")}
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if child.Start() == nil {
				fmt.Println("daemon", child.Process.Pid)
			}
		}
		Main(func(ctx context.Context) error {
			p, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer p.Close()
			_, err = hookTask.Map(ctx, p, []string{"die"})
			lost, _ := errors.AsType[*WorkerLostError](err)
			fmt.Println("lost", lost.Signal)
			return nil
		})
	}
	scenarios["deleted"] = func() {
		Main(func(ctx context.Context) error {
			fmt.Println("driver", os.Getpid())
			var word string
			_, _ = fmt.Scanln(&word)
			p, err := NewPool(ctx, Procs(2))
			if err != nil {
				return err
			}
			defer p.Close()
			_, err = hookTask.Map(ctx, p, []string{"die"})
			_, isLost := errors.AsType[*WorkerLostError](err)
			got, err := hookTask.Map(ctx, p, []string{"fine"})
			fmt.Println("result", isLost, got, err)
			return nil
		})
	}
}

// A program whose workers cannot start ends quickly, and says why.
func TestHookNoPool(t *testing.T) {
	checkLeaks(t)
	tests := []struct {
		scenario, extra string
		pool            string // processes left, ErrNotInitialized, ErrNoHello
		says            []string
	}{
		{"no Init", "", "0 true false", []string{"call mapreduce.Main or mapreduce.Init first"}},
		{"worker exits", "", "0 false true", []string{"did not say hello", "exit status 9", "no licence"}},
		{"worker hangs", "", "0 false true", []string{"did not say hello", "said nothing for 1s", "killed by SIGKILL", "thinking"}},
		{"registers", "worker", "0 false false", []string{"has registered task mrrun/mapreduce.registerExtra", "the driver has not"}},
		{"registers", "driver", "0 false false", []string{"has not registered task mrrun/mapreduce.registerExtra"}},
		{"registers", "worker otherwise", "0 false false", []string{"has tasks with other types"}},
		{"impostor", "", "0 false true", []string{"exit status 9", "impostor: status 70", "MRRUN_WORKER is set, but"}},
	}
	t.Run("all", func(t *testing.T) {
		for _, test := range tests {
			t.Run(test.scenario+" "+test.extra, func(t *testing.T) {
				t.Parallel()
				p := start(t, test.scenario, thisBinary(nil), extraVariable+"="+test.extra)
				if got := p.await("pool", 1)[0]; got != test.pool {
					t.Errorf("pool %s, want %s", got, test.pool)
				}
				p.exit()
				for _, part := range test.says {
					if !strings.Contains(p.stderr.String(), part) {
						t.Errorf("no %q in: %s", part, &p.stderr)
					}
				}
				p.gone(deathTime)
			})
		}
	})
}

// sleepingDriverLimit is long enough for a worker to start on a busy machine.
const sleepingDriverLimit = 3 * time.Second

// Time during which the driver is stopped does not count against a worker that is starting.
func TestHookDriverSleeps(t *testing.T) {
	checkLeaks(t)
	p := start(t, "driver sleeps", thisBinary(nil))
	driver := p.awaitPID("driver", 1)[0]
	eventually(t, hangTime, func() error {
		if !strings.Contains(p.stderr.String(), "on its way") {
			return errors.New("it has no worker yet")
		}
		return nil
	})
	suspend(t, driver)
	time.Sleep(sleepingDriverLimit + 200*time.Millisecond) // longer than the worker may take
	_ = syscall.Kill(driver, syscall.SIGCONT)
	if got := p.await("pool", 1)[0]; got != "0 false false" {
		t.Errorf("pool %s; stderr:\n%s", got, &p.stderr)
	}
	p.exit()
}

// A process that has a worker's variable but is not a worker never runs the program's main.
func TestHookStrayVariable(t *testing.T) {
	checkLeaks(t)
	r, w := pipe(t)
	defer r.Close()
	defer w.Close()
	r2, w2 := pipe(t)
	defer r2.Close()
	defer w2.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var st syscall.Stat_t
	if err := syscall.Fstat(int(r.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	right := fmt.Sprintf("%d:%d:1:0", st.Dev, st.Ino)
	tests := []struct {
		name, value string
		files       []*os.File
		says        string
	}{
		{"by hand", "1", nil, `MRRUN_WORKER="1" is not what a driver sets`},
		{"by hand, colon", "a:", nil, "is not what a driver sets"},
		{"no descriptor", right, nil, "descriptor 3"},
		{"file", right, []*os.File{null, null}, "descriptor 3"},
		{"other pipe", right, []*os.File{r2, w2}, "descriptor 3"},
		{"no leader", right, []*os.File{r, w2}, "copied to another"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := thisBinary(nil)
			cmd.ExtraFiles = test.files
			p := start(t, "stray", cmd, "MRRUN_WORKER="+test.value)
			if code := p.exit(); code != proc.ExitNoWorker {
				t.Errorf("exit status %d, want %d", code, proc.ExitNoWorker)
			}
			for line := range p.lines {
				t.Errorf("it printed %q", line)
			}
			if text := p.stderr.String(); !strings.Contains(text, test.says) || strings.Count(text, "\n") != 1 {
				t.Errorf("standard error is not one line with %q: %s", test.says, text)
			}
		})
	}
}

// namedView has the methods of its View, which would lose the name.
type namedView struct {
	transport.View[int]
	Name string
}

func TestHookRegistration(t *testing.T) {
	if a, b := twice1.Name(), twice2.Name(); a != "mrrun/mapreduce.twice" || b != a+"#2" {
		t.Errorf("names %q and %q", a, b)
	}
	tests := []struct {
		name     string
		register func()
		says     []string
	}{
		{"late", func() { Func(twice) }, []string{"task mrrun/mapreduce.twice is registered at hook_test.go:", "after Main or Init"}},
		{"late, context", func() { FuncContext(obey) }, []string{"task mrrun/mapreduce.obey is registered at hook_test.go:"}},
		{"argument", func() { Func(func(chan int) int { return 0 }) }, []string{"registered at hook_test.go:", "its argument"}},
		{"result", func() { Func(func(int) func() { return nil }) }, []string{"registered at hook_test.go:", "its result"}},
		{"view among others", func() { Func(func(namedView) int { return 0 }) }, []string{"registered at hook_test.go:", "give that field a name"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				for _, part := range test.says {
					if !strings.Contains(text, part) {
						t.Errorf("no %q in the panic: %s", part, text)
					}
				}
			}()
			test.register()
		})
	}
}

// newTestPool returns a pool of this process, and fails the test if it leaks anything.
func newTestPool(t *testing.T, procs int) *Pool {
	t.Helper()
	checkLeaks(t)
	p, err := NewPool(t.Context(), Procs(procs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// A process that a task starts is not a worker and does not inherit a worker's pipes.
func TestHookChildInheritsNothing(t *testing.T) {
	p := newTestPool(t, 1)
	got, err := hookTask.Map(t.Context(), p, []string{"own pipes", "environment of a child", "descriptors of a child"})
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"MRRUN_WORKER", "MRRUN_WORKER_MAXPROCS"} {
		if strings.Contains(got[1], variable+"=") {
			t.Errorf("it inherits %s", variable)
		}
	}
	if given := os.Getenv("GOMAXPROCS"); given == "" && strings.Contains(got[1], "GOMAXPROCS=") {
		t.Error("it inherits GOMAXPROCS")
	}
	for _, pipe := range strings.Fields(got[0]) {
		if strings.Contains(got[2], pipe) {
			t.Errorf("it inherits %s:\n%s", pipe, got[2])
		}
	}
}

// The loss of a worker is an error that names it, at once; another worker replaces it.
func TestHookWorkerLost(t *testing.T) {
	p := newTestPool(t, 2)
	for range 3 {
		begin := time.Now()
		_, err := hookTask.Map(t.Context(), p, []string{"die"})
		lost, ok := errors.AsType[*WorkerLostError](err)
		if !ok || lost.Signal != syscall.SIGKILL || lost.Worker < 1 || lost.PID == 0 {
			t.Fatalf("error %v", err)
		}
		if took := time.Since(begin); took > deathTime {
			t.Errorf("it took %v", took)
		}
		if !dead(lost.PID) {
			t.Error("it lives: ", describe(lost.PID))
		}
	}
	args := slices.Repeat([]string{"x"}, 100)
	if got, err := hookTask.Map(t.Context(), p, args); err != nil || !slices.Equal(got, args) {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// A worker that is killed from outside while it is idle is replaced, and no call fails.
func TestHookIdleWorkerKilled(t *testing.T) {
	p := newTestPool(t, 1)
	for range 3 {
		old := p.Workers()[0].PID
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, deathTime, func() error {
			for _, w := range p.Workers() {
				if w.PID == old {
					return errors.New("not replaced")
				}
			}
			return nil
		})
		if got, err := hookTask.Map(t.Context(), p, []string{"x"}); err != nil || got[0] != "x" {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func TestHookDeletedBinary(t *testing.T) {
	checkLeaks(t)
	for _, replace := range []bool{false, true} {
		t.Run(fmt.Sprint("replaced ", replace), func(t *testing.T) {
			path := copyOfBinary(t)
			p := start(t, "deleted", exec.Command(path))
			p.await("driver", 1)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if replace {
				if err := os.WriteFile(path, []byte("#!/bin/false\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			fmt.Fprintln(p.in, "go")
			if got := p.await("result", 1)[0]; got != "true [fine] <nil>" {
				t.Error(got)
			}
			p.exit()
			p.gone(0)
		})
	}
}

// The driver does not wait for a process that was given the worker's pipes.
func TestHookPipesInOtherHands(t *testing.T) {
	checkLeaks(t)
	p := start(t, "daemon", thisBinary(nil))
	begin := time.Now()
	if code := p.exit(); code != 0 {
		t.Errorf("exit status %d: %s", code, &p.stderr)
	}
	if took := time.Since(begin); took > 2*deathTime {
		t.Errorf("it took %v", took)
	}
	if got := p.await("lost", 1)[0]; got != syscall.SIGKILL.String() {
		t.Errorf("the worker was lost by %q", got)
	}
}
