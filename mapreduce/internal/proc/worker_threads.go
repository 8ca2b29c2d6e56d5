package proc

import (
	"runtime"
	"sync"
	_ "unsafe" // for linkname
)

// threadsBeside is how many threads a worker may have beside those that run Go code: for the
// garbage collector, and for system calls that block.
const threadsBeside = 6

// startThreads starts the threads that this worker is going to need, if they take memory: in a
// program with cgo the C library maps their stacks, usually 8 MiB each, of which a thread uses
// little. Go keeps threads that it does not use.
func startThreads() {
	if !iscgo {
		return
	}
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0) + threadsBeside
	wg.Add(n)
	for range n {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			wg.Done()
			wg.Wait() // until each has a thread of its own
		}()
	}
	wg.Wait()
}

// iscgo reports whether the program contains cgo.
//
//go:linkname iscgo runtime.iscgo
var iscgo bool
