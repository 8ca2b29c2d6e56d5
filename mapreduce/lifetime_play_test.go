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
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"

	"golang.org/x/sys/unix"
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
