package mapreduce

import (
	"fmt"
	"os"
	"runtime/debug"
)

// callUser calls f, which is the user's, and waits for it. A panic is reported to standard error, with its stack, and
// [runtime.Goexit] ends the call alone: neither ends the driver, nor the goroutine that serves a worker.
func callUser(what string, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				fmt.Fprintf(os.Stderr, "mapreduce: %s panicked: %v\n%s", what, p, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}
