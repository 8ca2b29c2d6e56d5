//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"mrrun/mapreduce/internal/proc"
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
