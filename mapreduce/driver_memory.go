package mapreduce

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"mrrun/mapreduce/internal/proc"
)

// MemoryLimit sets how much memory an item may take, in bytes, beyond what its worker has at rest, after its initializers;
// shared segments do not count. The collector works against nine tenths of it. An item that takes more kills its worker, and
// fails with an error in which [errors.Is] finds [ErrMemoryLimit]; it is not tried again.
//
// What is limited is the memory that a worker has mapped to write to. In a program with cgo that has threads' stacks, of 8 MiB
// each as a rule, so that an item may get less than the limit.
func MemoryLimit(bytes int64) WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		if bytes < minMemory {
			return fmt.Errorf("mapreduce: MemoryLimit(%d): takes at least %d bytes", bytes, int64(minMemory))
		}
		o.memory = bytes
		return nil
	})
}

// minMemory is less than what the runtime itself needs.
const minMemory = 32 << 20

// outOfMemory reports whether a worker that ended so died of its memory limit: its runtime has said so, or it crashed when it
// had taken nearly all of it.
func outOfMemory(exit proc.Exit, limit int64) bool {
	if limit == 0 {
		return false
	}
	return noMemory(exit) || crashed(exit) && exit.Taken >= limit/8*7
}

const (
	exitCrashed = 2  // of a Go program whose runtime gave up
	exitRace    = 66 // of one whose race detector did
)

// crashed reports whether a process died as one does that cannot go on.
func crashed(exit proc.Exit) bool {
	return exit.Code == exitCrashed || slices.Contains([]syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGABRT, syscall.SIGTRAP}, exit.Signal)
}

// wordsOfNoMemory are what lines begin with by which the runtime says that it gets no memory.
var wordsOfNoMemory = []string{
	"fatal error: runtime: out of memory",
	"fatal error: runtime: cannot allocate memory",
	"fatal error: runtime: cannot map pages in arena address space",
	"fatal error: out of memory",
	"runtime/cgo: pthread_create failed: Resource temporarily unavailable",
}

// noMemory reports whether a process ended as the runtime ends one that gets no memory, with its words. Where the collector
// gets none it does not look, and crashes: in the runtime, on a thread's own stack, which is goroutine 0.
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
