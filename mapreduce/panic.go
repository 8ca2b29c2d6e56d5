package mapreduce

import (
	"fmt"
	"runtime/debug"
)

// safely calls f and turns a panic into an error.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	return f()
}

// A panicError is a panic of a task, in its worker.
type panicError struct {
	value, stack string
	err          error // the value, if it is an error
}

// newPanicError returns the error for the recovered value p. It must be called where the panic is
// recovered.
func newPanicError(p any) *panicError {
	err, _ := p.(error)
	return &panicError{value: fmt.Sprint(p), stack: string(debug.Stack()), err: err}
}

func (e *panicError) Error() string { return "panic: " + e.value }

func (e *panicError) Unwrap() error { return e.err }
