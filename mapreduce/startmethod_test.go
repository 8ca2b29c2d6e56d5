//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

var whoTask = FuncContext(whoRuns)

// whoRuns returns the process that runs it, at once or, of a negative number, when its context
// ends; or never, of -2.
func whoRuns(ctx context.Context, n int) (int, error) {
	if n < 0 {
		whoBegan <- n
	}
	switch n {
	case -1:
		<-ctx.Done()
		return 0, ctx.Err()
	case -2:
		<-neverClosed
	}
	return os.Getpid(), nil
}

var (
	whoBegan    = make(chan int, 1)
	neverClosed = make(chan struct{})
)

func TestStartMethods(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	methods := map[string]WorkerOption{
		"exec":      StartMethod("exec"),
		"spare":     StartMethod("spare"),
		"command":   StartMethod("command", own),
		"inprocess": StartMethod("inprocess"),
	}
	for _, method := range startMethods {
		t.Run(method.name, func(t *testing.T) {
			checkLeaks(t)
			option := methods[method.name]
			p, err := NewPool(t.Context(), Procs(1), option)
			if err != nil {
				t.Fatal(err)
			}
			inPool, err := whoTask.Apply(t.Context(), p, 0)
			if err := errors.Join(err, p.Close()); err != nil {
				t.Fatal(err)
			}
			process, err := whoTask.Start(t.Context(), 0, option)
			if err != nil {
				t.Fatal(err)
			}
			inStart, err := process.Wait()
			if err != nil {
				t.Fatal(err)
			}
			inside := method.name == "inprocess"
			if (inPool == os.Getpid()) != inside || (inStart == os.Getpid()) != inside || process.PID() != inStart {
				t.Errorf("it runs in %d and %d, %d; this process is %d", inPool, inStart, process.PID(), os.Getpid())
			}
			spareProcesses.endAll()
		})
	}
}

func TestStartMethodRefused(t *testing.T) {
	for _, test := range []struct {
		option WorkerOption
		says   []string
	}{
		{StartMethod("fork"), []string{`StartMethod("fork")`, "exec, spare, command, inprocess"}},
		{StartMethod(""), []string{"exec, spare, command, inprocess"}},
		{StartMethod("command"), []string{"name the program"}},
		{StartMethod("command", "no such program"), []string{"no such program"}},
		{StartMethod("exec", "cat"), []string{`only "command"`}},
	} {
		_, ofPool := NewPool(t.Context(), test.option)
		_, ofStart := whoTask.Start(t.Context(), 0, test.option)
		for _, err := range []error{ofPool, ofStart} {
			for _, part := range test.says {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v: no word of %q", err, part)
				}
			}
		}
	}
	if _, err := whoTask.Start(t.Context(), 0, InProcess(), MemoryLimit(1<<30)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a memory limit of a goroutine: %v", err)
	}
}

// A process that is a goroutine ends as others do, but for what only a process can.
func TestStartInProcess(t *testing.T) {
	start := func(n int) *Process[int] {
		p, err := whoTask.Start(t.Context(), n, InProcess())
		if err != nil {
			t.Fatal(err)
		}
		<-whoBegan
		return p
	}
	p := start(-1)
	for _, err := range []error{p.Suspend(), p.Resume(), p.Signal(syscall.SIGUSR1)} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a signal that ends nothing: %v", err)
		}
	}
	if err := p.Terminate(); err != nil {
		t.Error(err)
	}
	if _, err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("a task that heeds its context: %v", err)
	}
	for name, end := range map[string]func(*Process[int]) error{"Terminate": (*Process[int]).Terminate, "Kill": (*Process[int]).Kill} {
		p := start(-2)
		if err := end(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Wait(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := p.Kill(); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("Kill after the end: %v", err)
		}
	}
}
