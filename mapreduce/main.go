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

// entered is set when this process has passed Main or Init; registration ends there.
var entered atomic.Bool

// Main is the body of main. In the driver it runs body, with a context that ends at Ctrl-C, SIGTERM or SIGHUP, and exits; in
// a worker it computes what the driver asks for and body is never entered. Neither returns. A second Ctrl-C kills.
//
// The cause of the context's end is an error that is [context.Canceled] by errors.Is and says which signal it was. SIGINT and
// SIGHUP stay ignored if they were when the program started, as under nohup. Workers leave all three to the driver.
//
// The exit status is 0 when body returns nil. Else the error is printed behind the program's name, which it need not have, and the status is what its ExitCode() int method
// says if it has one, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, and 1 for any other error.
//
// When body has returned, the processes that [Task.Start] has started are waited for; those that are [Daemon], and after
// one of these signals all, are terminated.
//
// All tasks must be registered before, in package variables or init functions, the same in every process: the worker is
// this program, started again.
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

// Init makes this process a worker if it was started as one, and does not return then. In a driver it returns at once, and
// [NewPool] works from then on. It is for TestMain, and for programs that keep a main of their own shape: call it first.
// Nothing waits for processes at the end of such a main: those that it has not waited for die with it.
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

// A signalError is the cause of a context that ended by a signal.
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

// signalContext returns a context that ends at the first signal that asks for the program's end; the second has its usual
// effect.
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
