package mapreduce

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"mrrun/mapreduce/internal/proc"
)

// MemoryLimit sets how many bytes of memory an item may take beyond what its worker uses at rest,
// after its initializers; shared segments do not count. The garbage collector aims at nine tenths
// of it. An item that takes more kills its worker and fails with an error in which [errors.Is]
// finds [ErrMemoryLimit]; it is not tried again.
//
// The limit applies to the memory that a worker has mapped for writing. In a program with cgo that
// includes the stacks of threads, usually 8 MiB each; a worker at rest has GOMAXPROCS + 6 of them.
func MemoryLimit(bytes int64) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if bytes < minMemory {
			return fmt.Errorf("mapreduce: MemoryLimit(%d): must be at least %d bytes", bytes, int64(minMemory))
		}
		o.memory = bytes
		return nil
	})
}

// minMemory is less than what the runtime itself needs.
const minMemory = 32 << 20

// outOfMemory reports whether a worker that ended this way died of its memory limit: its runtime
// said so, or it crashed after it had taken nearly all of it.
func outOfMemory(exit proc.Exit, limit int64) bool {
	if limit == 0 {
		return false
	}
	return noMemory(exit) || crashed(exit) && exit.Taken >= limit/8*7
}

const (
	exitCrashed = 2  // of a Go program whose runtime gave up
	exitRace    = 66 // of a Go program whose race detector gave up
)

// crashed reports whether a process ended as the Go runtime or a crash ends one.
func crashed(exit proc.Exit) bool {
	return exit.Code == exitCrashed || slices.Contains([]syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGABRT, syscall.SIGTRAP}, exit.Signal)
}

// wordsOfNoMemory are the beginnings of lines with which the runtime reports that it gets no
// memory.
var wordsOfNoMemory = []string{
	"fatal error: runtime: out of memory",
	"fatal error: runtime: cannot allocate memory",
	"fatal error: runtime: cannot map pages in arena address space",
	"fatal error: out of memory",
	"runtime/cgo: pthread_create failed: Resource temporarily unavailable",
}

// noMemory reports whether the runtime ended a process because it got no memory, as its last words
// show. The garbage collector does not check whether it gets memory, and crashes without it: in the
// runtime, on a thread's own stack, which is goroutine 0.
func noMemory(exit proc.Exit) bool {
	if exit.Code == exitRace {
		return strings.Contains(exit.Stderr, "ERROR: ThreadSanitizer failed to allocate")
	}
	if !crashed(exit) {
		return false
	}
	before := ""
	for line := range strings.Lines(exit.Stderr) {
		if strings.HasPrefix(before, "goroutine 0 ") && strings.HasPrefix(line, "runtime.") && strings.HasPrefix(exit.Stderr, "SIGSEGV: ") {
			return true
		}
		if slices.ContainsFunc(wordsOfNoMemory, func(words string) bool { return strings.HasPrefix(line, words) }) {
			return true
		}
		before = line
	}
	return false
}
