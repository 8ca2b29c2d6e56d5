package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// errGoexit is about a function of the user's that does not return. t.FailNow, in a test, is such a call.
var errGoexit = errors.New("mapreduce: the function called runtime.Goexit")

// contain calls f, which runs code of the user's, in a goroutine of its own and waits for its end: neither a panic nor
// [runtime.Goexit] ends a goroutine that a pool needs. It returns a [panicError], errGoexit, or nil.
func contain(f func()) error {
	err := errGoexit
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = newPanicError(p)
			}
		}()
		f()
		err = nil
	}()
	<-done
	return err
}

// callUser contains f. A panic is reported to standard error, with its stack: a log may be what fails.
func callUser(what string, f func()) {
	if p, ok := errors.AsType[*panicError](contain(f)); ok {
		fmt.Fprintf(os.Stderr, "mapreduce: %s panicked: %v\n%s", what, p.value, p.stack)
	}
}

// callBack contains a callback of a future. What it fails with is reported to [slog.Default].
func callBack(f func()) {
	switch err := contain(f).(type) {
	case nil:
	case *panicError:
		slog.Error("mapreduce: a callback of a future panicked", "panic", err.value, "stack", err.stack)
	default:
		slog.Error("mapreduce: a callback of a future called runtime.Goexit")
	}
}
