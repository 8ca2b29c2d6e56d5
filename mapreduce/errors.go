package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

var (
	// ErrNotInitialized is returned by [NewPool] in a program that has not called [Main] or [Init]: its workers would run
	// its main function again instead of working.
	ErrNotInitialized = errors.New("mapreduce: call mapreduce.Main or mapreduce.Init first in main (or in TestMain)")

	// ErrClosed is returned by all verbs of a pool after Close.
	ErrClosed = errors.New("mapreduce: the pool is closed")

	// ErrNoHello is wrapped by the error about a worker that ended, or kept silent, before it was ready.
	ErrNoHello = proc.ErrNoHello
)

// A TaskError is the failure of one item: the task returned an error, panicked, or its result could not be encoded.
// [errors.Is] finds [context.Canceled] and [context.DeadlineExceeded] in it if the task's error had them.
type TaskError struct {
	Index int    // of the item in the input
	Input any    // the item itself; nil if the verb does not keep it
	Msg   string // the text of the error in the worker
	Stack string // the stack of the worker, after a panic

	is []error
}

func (e *TaskError) Error() string {
	text := fmt.Sprintf("item %d", e.Index)
	if e.Input != nil {
		text += fmt.Sprintf(" (%s)", short(fmt.Sprintf("%+v", e.Input)))
	}
	text += ": " + e.Msg
	if e.Stack != "" {
		text += "\n" + e.Stack
	}
	return text
}

// Unwrap returns the errors that are known on both sides.
func (e *TaskError) Unwrap() []error { return e.is }

// short cuts a text that is only there to be recognised.
func short(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// TaskErrors are the failed items of one call, in the order of their indexes.
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

// A WorkerLostError says that a worker died while it worked on a call.
type WorkerLostError struct {
	Worker   int            // number of the worker
	PID      int            // its process id
	First    int            // the first item of the chunk that it held
	Last     int            // the last one
	Signal   syscall.Signal // what killed it, or 0
	ExitCode int            // its exit status, -1 after a signal
	MaxRSS   int64          // most memory it ever had in use, in bytes
	Stderr   string         // the last lines that it wrote to standard error
	Reason   string         // what the driver found wrong, if it ended the worker itself
}

func (e *WorkerLostError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "worker %d (pid %d) ", e.Worker, e.PID)
	if e.Reason != "" {
		fmt.Fprintf(&b, "was ended because %s: ", e.Reason)
	}
	b.WriteString(proc.Exit{Code: e.ExitCode, Signal: e.Signal}.String())
	fmt.Fprintf(&b, " while it held items %d to %d; it used %d MiB at most", e.First, e.Last, e.MaxRSS>>20)
	if e.Stderr != "" {
		fmt.Fprintf(&b, "; its last words:\n%s", e.Stderr)
	}
	return b.String()
}

// knownErrors keep their identity on the way from a worker.
var knownErrors = []error{context.Canceled, context.DeadlineExceeded}

// encodeFailure writes a task's error: text, stack, and which of the known errors it is.
func encodeFailure(out *transport.Encoder, err error) {
	start := out.Len()
	defer func() {
		if p := recover(); p != nil { // in a method of the error
			out.Truncate(start)
			encodeFailure(out, &panicError{value: fmt.Sprintf("%v, in a method of a %T", p, err), stack: string(debug.Stack())})
		}
	}()
	out.String(err.Error())
	stack := ""
	if p, ok := errors.AsType[*panicError](err); ok {
		stack = p.stack
	}
	out.String(stack)
	var is uint64
	for i, known := range knownErrors {
		if errors.Is(err, known) {
			is |= 1 << i
		}
	}
	out.Uint(is)
}

func decodeFailure(in *transport.Decoder) (*TaskError, error) {
	e := &TaskError{}
	var err error
	if e.Msg, err = in.String(); err != nil {
		return nil, err
	}
	if e.Stack, err = in.String(); err != nil {
		return nil, err
	}
	is, err := in.Uint()
	for i, known := range knownErrors {
		if is&(1<<i) != 0 {
			e.is = append(e.is, known)
		}
	}
	return e, err
}
