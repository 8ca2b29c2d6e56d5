package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"mrrun/mapreduce/internal/proc"
)

// entered is set when this process has entered Main or Init; no task can be registered after that.
var entered atomic.Bool

// Main is the body of main. In the driver it runs body, with a context that ends at Ctrl-C, SIGTERM
// or SIGHUP, and then exits; in a worker it computes what the driver asks for, and never enters
// body. In neither does it return. A second Ctrl-C kills the program.
//
// The cause of the context's end is an error that says which signal it was, and in which errors.Is
// finds [context.Canceled]. SIGINT and SIGHUP stay ignored if they were ignored when the program
// started, as under nohup. Workers leave all three signals to the driver.
//
// The exit status is 0 when body returns nil. Otherwise Main prints the error after the program's
// name, which the error need not contain. The status is then what the error's ExitCode() int method
// returns if it has one, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, and 1 for any other
// error.
//
// When body has returned, Main waits for the processes that [Task.Start] started. It terminates
// those that are [Daemon], and after one of these signals all of them.
//
// All tasks must be registered before, in package variables or init functions, in the same way in
// every process: a worker is this program, started again.
func Main(body func(ctx context.Context) error) {
	Init()
	ctx, stop := signalContext()
	err := body(ctx)
	complain(err)
	if interrupted := endChildren(ctx); err == nil {
		err = interrupted
		complain(err)
	}
	stop()
	os.Exit(exitStatus(ctx, err))
}

func complain(err error) {
	if err != nil && err.Error() != "" {
		name := filepath.Base(os.Args[0]) + ": "
		fmt.Fprintf(os.Stderr, "%s%s\n", name, strings.TrimPrefix(err.Error(), name))
	}
}

// Init turns this process into a worker if it was started as one, and does not return then. In a
// driver it returns at once, and [NewPool] works from then on. It is for TestMain, and for programs
// whose main cannot be a call of [Main]: call it first. Nothing waits for processes at the end of
// such a main: those for which it has not waited die with it.
func Init() {
	if entered.Swap(true) {
		return
	}
	worker, err := proc.Enter()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(proc.ExitNoWorker)
	}
	if worker != nil {
		newWorker(worker, nil).serve()
	}
}

// A signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string {
	switch e.signal {
	case syscall.SIGINT:
		return "interrupted"
	case syscall.SIGHUP:
		return "hung up"
	}
	return "terminated"
}

func (signalError) Is(target error) bool { return target == context.Canceled }

// signalContext returns a context that ends at the first signal that asks the program to end; the
// second signal has its usual effect.
func signalContext() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(signalError{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

func exitStatus(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if bySignal, ok := errors.AsType[signalError](context.Cause(ctx)); ok {
		return 128 + int(bySignal.signal)
	}
	if own, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return own.ExitCode()
	}
	return 1
}
