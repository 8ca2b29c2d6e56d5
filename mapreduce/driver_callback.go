package mapreduce

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// errGoexit is the error of a user's function that calls runtime.Goexit, for example by t.FailNow
// in a test.
var errGoexit = errors.New("mapreduce: the function called runtime.Goexit")

// contain calls f, which runs the user's code, in a new goroutine and waits for its end, so that
// neither a panic nor [runtime.Goexit] ends a goroutine that a pool needs. It returns a
// [panicError], errGoexit, or nil.
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

// callUser contains f. It reports a panic and its stack to standard error, since the log may be
// what fails.
func callUser(what string, f func()) {
	if p, ok := errors.AsType[*panicError](contain(f)); ok {
		fmt.Fprintf(os.Stderr, "mapreduce: %s panicked: %v\n%s", what, p.value, p.stack)
	}
}

// callBack contains a callback of a future. It reports a failure to [slog.Default].
func callBack(f func()) {
	switch err := contain(f).(type) {
	case nil:
	case *panicError:
		slog.Error("mapreduce: a callback of a future panicked", "panic", err.value, "stack", err.stack)
	default:
		slog.Error("mapreduce: a callback of a future called runtime.Goexit")
	}
}
