package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"mrrun/mapreduce/internal/knownerr"
	"mrrun/mapreduce/internal/proc"
)

var (
	// ErrNotInitialized is returned by [NewPool] and [Task.Start] in a program that has not called
	// [Main] or [Init]: its workers would run its main function again instead of working.
	ErrNotInitialized = errors.New("mapreduce: call mapreduce.Main or mapreduce.Init first in main (or in TestMain)")

	// ErrClosed is returned by all verbs of a pool after Close.
	ErrClosed = errors.New("mapreduce: the pool is closed")

	// ErrTimeout is wrapped by the error of an item that ran longer than its [Timeout].
	ErrTimeout error = timeoutError{}

	// ErrMemoryLimit is wrapped by the error of an item that took more memory than its
	// [MemoryLimit].
	ErrMemoryLimit = errors.New("mapreduce: the memory limit was exceeded")

	// ErrNoHello is wrapped by the error about a worker that ended, or stayed silent, before it was
	// ready.
	ErrNoHello = proc.ErrNoHello
)

// A TaskError is the failure of one item: the task returned an error or panicked, or a user's
// method could not encode the result, or decode the argument or the result.
//
// [errors.Is] finds [context.Canceled] and [context.DeadlineExceeded] in it if the task's error
// contained them. A TaskError can be sent to another process; all but its Input arrives. The
// error's text shows the beginning of the Input; a type that implements [slog.LogValuer] decides
// what is shown of it, and so keeps its secrets.
type TaskError struct {
	Index int    // of the item in the input; -1: an initializer, or a job's Reduce or Combine
	Input any    // the item itself; nil if the verb does not keep it
	Msg   string // the text of the error in the worker
	Stack string // after a panic, its stack in the worker; after a [Timeout], those of all goroutines there when the time was over

	is []error
}

// newTaskError returns the failure of an item by an error in this process.
func newTaskError(err error) *TaskError { return &TaskError{Msg: err.Error(), is: []error{err}} }

func (e *TaskError) Error() string {
	text := e.Msg
	if e.Stack != "" {
		shown := e.Stack
		if strings.Contains(shown, "\n\ngoroutine ") { // of all goroutines
			shown = e.UserStack()
		}
		text += "\n" + shown
	}
	switch {
	case e.Index < 0:
		return text
	case e.Input == nil:
		return fmt.Sprintf("item %d: %s", e.Index, text)
	default:
		return fmt.Sprintf("item %d (%s): %s", e.Index, show(e.Input), text)
	}
}

// UserStack returns the part of the Stack that shows the frames of the user's code, each goroutine
// with its first line; empty if there is none.
func (e *TaskError) UserStack() string { return userStack(e.Stack) }

// Key returns the beginning of the text of the Input, as the error's text shows it; empty if there
// is none.
func (e *TaskError) Key() string {
	if e.Input == nil {
		return ""
	}
	return show(e.Input)
}

// ofNoItem returns a copy of e as the error of a part of the work that the caller does not know by
// an index. e itself does not change: the supervisor may still send it to other workers.
func (e *TaskError) ofNoItem() *TaskError {
	of := *e
	of.Index, of.Input, of.is = -1, nil, slices.Clone(e.is)
	for i, err := range of.is {
		if lost, ok := err.(*WorkerLostError); ok {
			ofNone := *lost
			ofNone.Index = -1
			of.is[i] = &ofNone
		}
	}
	return &of
}

// Unwrap returns the errors that both sides know.
func (e *TaskError) Unwrap() []error { return e.is }

// TaskErrors holds the failures of one call's items, in the order of their indexes.
type TaskErrors []*TaskError

func (e TaskErrors) Error() string {
	const shown = 3
	var b strings.Builder
	if len(e) > 1 {
		fmt.Fprintf(&b, "%d items failed:\n", len(e))
	}
	for i, item := range e {
		if i == shown {
			fmt.Fprintf(&b, "\nand %d more", len(e)-shown)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(item.Error())
	}
	return b.String()
}

// Unwrap returns each item's error.
func (e TaskErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}

// timeoutError is the type of ErrTimeout, in which [errors.Is] finds [context.DeadlineExceeded].
type timeoutError struct{}

func (timeoutError) Error() string        { return "mapreduce: the item exceeded its timeout" }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// errOwnPool is the error of a task in a worker goroutine that would wait for workers that may all
// be waiting in the same way.
var errOwnPool = errors.New("mapreduce: a task cannot wait for tasks of its own pool, which could wait for it for ever; use another pool")

// These errors report that a program uses a value that it did not make.
var (
	errNoTask    = errors.New("mapreduce: a zero Task, State or Job computes nothing: make it with Func, NewState or NewJob, in a package variable")
	errNoPool    = errors.New("mapreduce: the pool is nil or zero: make it by NewPool; a variable that main sets is not set in its workers")
	errNoContext = errors.New("mapreduce: the context is nil: pass context.Background() if there is none")
)

// A WorkerLostError says how a worker died while it ran an item, at the last attempt for this item.
type WorkerLostError struct {
	Index     int            // of the item in the input; -1: it ran none
	Attempts  int            // how many times the item was begun
	Worker    int            // ID of the worker
	PID       int            // process ID of the worker
	Signal    syscall.Signal // the signal that killed it, or 0
	ExitCode  int            // exit status; -1 after a signal
	MaxRSS    int64          // largest known memory use in bytes; 0: unknown
	OOM       bool           // it ran out of memory, under a [MemoryLimit]
	KernelOOM bool           // the kernel killed it because the system, or its memory cgroup, had no memory left
	Stderr    string         // last lines on standard error; all of a crash, of which Error shows what matters
}

// End says how the worker ended, such as "killed by SIGKILL" or "exit status 3".
func (e *WorkerLostError) End() string { return e.exit().String() }

// LastWords returns the last lines that the worker wrote to standard error; after a crash of its
// runtime, what matters of the runtime's report.
func (e *WorkerLostError) LastWords() string { return proc.Brief(e.Stderr) }

func (e *WorkerLostError) exit() proc.Exit {
	return proc.Exit{Code: e.ExitCode, Signal: e.Signal, Stderr: e.Stderr}
}

func (e *WorkerLostError) Error() string {
	var b strings.Builder
	exit := e.exit()
	fmt.Fprintf(&b, "worker %d (pid %d) %v", e.Worker, e.PID, exit)
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", as its item had done to its workers %d times before", e.Attempts-1)
	}
	if e.MaxRSS > 0 {
		fmt.Fprintf(&b, "; it used %d MiB at most", e.MaxRSS>>20)
	}
	if e.KernelOOM {
		b.WriteString("; the kernel killed it because there was no memory left")
	}
	b.WriteString(exit.LastWords())
	return b.String()
}

func init() {
	knownerr.Register(ErrTimeout, ErrMemoryLimit, ErrNotInitialized, ErrClosed, ErrNoHello, ErrInitializer, ErrCanceled, ErrWaitLimit, &WorkerLostError{})
}

// RegisterError gives errors an identity that survives the way from a worker, and from a manager:
// if [errors.Is] finds one of them in the error of a task, it also finds it in the [TaskError]. If
// an error's type can travel (see [transport.CheckType]), as a struct with exported fields can,
// errors.As also finds the task's error of that type: RegisterError(&QuotaError{}).
//
// The sentinels of package context, of this package, of shared and of transport, io.EOF and
// [errors.ErrUnsupported] need no registration, nor do [WorkerLostError] and [transport.SizeError].
// Like [Func], RegisterError must be called before [Main] or [Init], in package variables or init
// functions, in the same order in every process; later it panics.
func RegisterError(errs ...error) {
	if entered.Load() {
		panic(fmt.Sprintf("mapreduce: RegisterError(%v) is called after Main or Init was entered", errs))
	}
	knownerr.Register(errs...)
}
