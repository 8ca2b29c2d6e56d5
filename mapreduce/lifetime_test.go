//go:build linux

package mapreduce

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mrrun/mapreduce/internal/proc"
)

func init() {
	scenarios["work"] = playWork
	scenarios["subreaper"] = playSubreaper
}

// Environment variables of the scenario "work".
const (
	doVariable    = "MRRUN_TEST_DO"    // what the workers do
	childVariable = "MRRUN_TEST_CHILD" // what kind of process each task starts
	itemsVariable = "MRRUN_TEST_ITEMS" // number of tasks
)

// An order says what a task of the scenario does.
type order struct{ Do, Child string }

var obeyTask *Task[order, int]

func init() { obeyTask = FuncContext(obey) } // not at its declaration: obey uses it

// obey prints which process works, and does what o says.
func obey(ctx context.Context, o order) (int, error) {
	if o.Child != "" {
		startChild(o.Child)
	}
	fmt.Println("worker", os.Getpid())
	switch o.Do {
	case "wait":
		<-ctx.Done()
	case "sleep":
		time.Sleep(time.Hour)
	case "busy":
		//lint:ignore SA5002 it must use the processor and look at nothing
		for {
		}
	case "print":
		for {
			fmt.Println("much")
		}
	case "nested":
		obeyNested(ctx, o.Child)
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "exit":
		os.Exit(3)
	case "panic":
		go panic("out of a goroutine")
		select {}
	case "overflow":
		debug.SetMaxStack(1 << 20) // the default of a gigabyte takes too long
		return overflow(1), nil
	case "Goexit":
		runtime.Goexit()
	}
	return os.Getpid(), nil
}

// obeyNested runs obey in a worker of this worker.
func obeyNested(ctx context.Context, child string) {
	pool, err := NewPool(ctx, Procs(1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer pool.Close()
	_, _ = obeyTask.Map(ctx, pool, []order{{"busy", child}})
}

//lint:ignore SA5007 it must overflow the stack
func overflow(n int) int { return overflow(n+1) + 1 }

// startChild starts a process that outlives its task.
func startChild(kind string) {
	child := exec.Command("sleep", "1000")
	if err := child.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	if kind == "stopped" {
		_ = child.Process.Signal(syscall.SIGSTOP)
		_, _ = unix.Wait4(child.Process.Pid, nil, unix.WUNTRACED, nil) // until it has stopped
	}
	fmt.Println("child", child.Process.Pid)
}

// playWork is a driver with two workers. It obeys words on its standard input, and ends when that
// ends.
func playWork() {
	if os.Getenv(doVariable) == "hang before Init" && proc.Marked() {
		fmt.Println("worker", os.Getpid())
		time.Sleep(time.Hour)
	}
	Main(func(ctx context.Context) error {
		fmt.Println("driver", os.Getpid())
		call, cancel := context.WithCancel(ctx)
		closed := make(chan struct{})
		go func() {
			listen(cancel)
			cancel()      // the test has ended
			close(closed) // not deferred: a panic should end the driver at once, not close the pool
		}()
		pool, err := NewPool(ctx, Procs(2))
		if err != nil {
			return err
		}
		defer pool.Close()
		items, _ := strconv.Atoi(os.Getenv(itemsVariable))
		orders := slices.Repeat([]order{{os.Getenv(doVariable), os.Getenv(childVariable)}}, max(items, 1))
		_, err = obeyTask.Map(call, pool, orders, Chunksize(1))
		fmt.Printf("over %q\n", fmt.Sprint(err))
		select {
		case <-closed:
		case <-ctx.Done():
		}
		return context.Cause(ctx)
	})
}

// listen obeys words until they end.
func listen(cancel func()) {
	for words := bufio.NewScanner(os.Stdin); words.Scan(); {
		switch words.Text() {
		case "cancel":
			cancel()
		case "exit":
			os.Exit(0)
		case "panic":
			panic("as told")
		}
	}
}

// playSubreaper runs the scenario "work" and adopts its orphans, as the manager of a session or a
// container may.
func playSubreaper() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	driver := exec.Command(os.Args[0])
	driver.Env = append(os.Environ(), scenarioVariable+"=work")
	driver.Stdin, driver.Stdout, driver.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := driver.Start(); err != nil {
		panic(err)
	}
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && err != unix.EINTR {
			return // no children are left
		}
	}
}

// A launch is a way to start a driver. It decides which process adopts the driver's orphans, and
// what the kernel does about them.
type launch struct {
	name     string
	scenario string
	wrapper  []string
	setsid   bool
	helpers  int // processes between the test and the driver
}

var launches = []launch{
	{name: "plain", scenario: "work"},
	{name: "setsid", scenario: "work", setsid: true},
	{name: "nohup", scenario: "work", wrapper: []string{"sh", "-c", `trap "" HUP; exec "$0"`}},
	{name: "subreaper", scenario: "subreaper", helpers: 1},
}

func (l *launch) start(t *testing.T, env ...string) (p *program, driver int) {
	cmd := thisBinary(l.wrapper)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: l.setsid}
	p = start(t, l.scenario, cmd, env...)
	return p, p.awaitPID("driver", 1)[0]
}

// A state is what the processes below a driver are doing when it ends.
type state struct {
	name     string
	do       string
	child    string
	workers  int // workers that must report it
	children int
	idle     bool // then the task ends
	suspend  bool // then the workers are suspended
}

var states = []state{
	{name: "idle", do: "wait", workers: 2, idle: true},
	{name: "idle, stopped", do: "wait", workers: 2, idle: true, suspend: true},
	{name: "busy", do: "busy", workers: 2},
	{name: "busy, stopped", do: "busy", workers: 2, suspend: true},
	{name: "sleep", do: "sleep", workers: 2},
	{name: "before Init", do: "hang before Init", workers: 2},
	{name: "before Init, stopped", do: "hang before Init", workers: 2, suspend: true},
	{name: "child", do: "sleep", child: "runs", workers: 2, children: 2},
	{name: "child of an idle one", do: "wait", child: "runs", workers: 2, children: 2, idle: true},
	{name: "child stopped", do: "busy", child: "stopped", workers: 2, children: 2},
	{name: "child and worker stopped", do: "sleep", child: "stopped", workers: 2, children: 2, suspend: true},
	{name: "nested", do: "nested", child: "runs", workers: 4, children: 4},
	{name: "nested, stopped", do: "nested", child: "runs", workers: 4, children: 4, suspend: true},
}

func (s *state) environment() []string {
	return []string{doVariable + "=" + s.do, childVariable + "=" + s.child, itemsVariable + "=2"}
}

// reach waits until the program is in the state.
func (s *state) reach(p *program, others int) {
	p.t.Helper()
	workers := p.awaitPID("worker", s.workers)
	if s.idle {
		fmt.Fprintln(p.in, "cancel")
		p.await("over", 1)
	}
	if s.suspend {
		suspend(p.t, workers...)
	}
	eventually(p.t, hangTime, func() error { // a process that was just started does not show its environment yet
		if alive := p.family(); len(alive) != others+s.workers+s.children {
			return fmt.Errorf("%d processes, want %d and %d workers and %d children", len(alive), others, s.workers, s.children)
		}
		return nil
	})
}

func TestLifetimeDriverKilled(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		for _, s := range states {
			for _, l := range launches {
				t.Run(s.name+"/"+l.name, func(t *testing.T) {
					t.Parallel()
					p, driver := l.start(t, s.environment()...)
					others := 1 + l.helpers
					s.reach(p, others)
					_ = syscall.Kill(driver, syscall.SIGKILL)
					p.gone(deathTime)
				})
			}
		}
	})
}

// A worker that prints notices its driver's end first by a broken pipe. That alone must not kill
// it.
func TestLifetimeDriverKilledWhileWorkersPrint(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		s := state{do: "print", child: "runs", workers: 2, children: 2}
		for i := range 10 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				p, driver := launches[0].start(t, s.environment()...)
				s.reach(p, 1)
				_ = syscall.Kill(driver, syscall.SIGKILL)
				p.gone(deathTime)
			})
		}
	})
}

// A driver may also end by itself, without Close, or after it was stopped.
func TestLifetimeDriverEnds(t *testing.T) {
	checkLeaks(t)
	ends := map[string]func(p *program, driver int){
		"exits":  func(p *program, driver int) { fmt.Fprintln(p.in, "exit") },
		"panics": func(p *program, driver int) { fmt.Fprintln(p.in, "panic") },
		"quits":  func(p *program, driver int) { _ = syscall.Kill(driver, syscall.SIGQUIT) },
		"stopped": func(p *program, driver int) {
			suspend(p.t, driver)
			_ = syscall.Kill(driver, syscall.SIGKILL)
		},
	}
	t.Run("all", func(t *testing.T) {
		for name, end := range ends {
			for _, s := range states {
				t.Run(name+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, s.environment()...)
					s.reach(p, 1)
					end(p, driver)
					p.gone(deathTime)
				})
			}
		}
	})
}

// When a worker dies, nothing that it started survives; the pool does, and closes in good order.
func TestLifetimeWorkerDies(t *testing.T) {
	checkLeaks(t)
	deaths := map[string][]string{ // what the error says
		"SIGKILL":  {"killed by SIGKILL"},
		"exit":     {"exit status 3"},
		"panic":    {"exit status 2", "out of a goroutine"},
		"overflow": {"exit status 2", "stack overflow"},
		"Goexit":   {"exit status 72", "runtime.Goexit"},
	}
	t.Run("all", func(t *testing.T) {
		for do, says := range deaths {
			for _, child := range []string{"", "runs", "stopped"} {
				t.Run(do+"/child "+child, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, doVariable+"="+do, childVariable+"="+child)
					text := p.await("over", 1)[0]
					for _, part := range says {
						if !strings.Contains(text, part) {
							t.Errorf("no %q in %s", part, text)
						}
					}
					p.only(deathTime, func(pid int) bool { // the driver and its new workers
						_, parent := status(pid)
						return pid == driver || parent == driver
					})
					p.in.Close()
					if code := p.exit(); code != 0 {
						t.Errorf("exit status %d, stderr:\n%s", code, &p.stderr)
					}
					p.gone(0)
				})
			}
		}
	})
}

// A worker that is stopped does not keep the pool from closing.
func TestLifetimeCloseStoppedWorkers(t *testing.T) {
	checkLeaks(t)
	t.Run("all", func(t *testing.T) {
		for _, child := range []string{"", "runs", "stopped"} {
			t.Run("child "+child, func(t *testing.T) {
				t.Parallel()
				s := state{do: "wait", child: child, workers: 2, idle: true, suspend: true}
				if child != "" {
					s.children = 2
				}
				p, _ := launches[0].start(t, s.environment()...)
				s.reach(p, 1)
				p.in.Close()
				if code := p.exit(); code != 0 {
					t.Errorf("exit status %d, stderr:\n%s", code, &p.stderr)
				}
				p.gone(deathTime) // a stopped child is killed too, once it runs
			})
		}
	})
}

// SIGINT, SIGTERM and SIGHUP end the driver, which ends all workers, whatever they do, prints the
// signal and exits.
func TestLifetimeSignals(t *testing.T) {
	checkLeaks(t)
	signals := []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 130, "interrupted"},
		{syscall.SIGTERM, 143, "terminated"},
		{syscall.SIGHUP, 129, "hung up"},
	}
	t.Run("all", func(t *testing.T) {
		for _, sig := range signals {
			for _, s := range states {
				t.Run(sig.says+"/"+s.name, func(t *testing.T) {
					t.Parallel()
					p, driver := launches[0].start(t, s.environment()...)
					s.reach(p, 1)
					_ = syscall.Kill(driver, sig.signal)
					p.gone(deathTime)
					if code := p.exit(); code != sig.code {
						t.Errorf("exit status %d, want %d", code, sig.code)
					}
					if text := p.stderr.String(); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, ": "+sig.says+"\n") {
						t.Errorf("standard error is not one line that ends with %q:\n%s", sig.says, text)
					}
				})
			}
		}
	})
}

// The second Ctrl-C kills a driver that does not heed the first.
func TestLifetimeSecondInterrupt(t *testing.T) {
	checkLeaks(t)
	p := start(t, "deaf", thisBinary(nil))
	driver := p.awaitPID("driver", 1)[0]
	_ = syscall.Kill(driver, syscall.SIGINT)
	p.await("heard", 1)
	_ = syscall.Kill(driver, syscall.SIGINT)
	p.gone(deathTime)
	p.exit()
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v", p.cmd.ProcessState)
	}
}

func init() {
	scenarios["deaf"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(context.Background(), Procs(2)) // it outlives ctx
			if err != nil {
				return err
			}
			defer pool.Close()
			fmt.Println("driver", os.Getpid())
			<-ctx.Done()
			fmt.Println("heard", ctx.Err())
			_, err = obeyTask.Map(context.Background(), pool, []order{{"busy", "runs"}})
			return err
		})
	}
}
