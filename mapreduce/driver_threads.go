package mapreduce

import (
	"fmt"
	"syscall"

	"mrrun/mapreduce/internal/proc"
)

const (
	threadsOfWorker = 6 // in addition to those that run Go code
	threadsOfDriver = 8 // in addition to one for each worker, which waits for it
)

// checkThreads returns an error if this user may not have enough threads for the pool's workers.
// The system limits the threads of a user (ulimit -u), and a Go program that gets none ends with a
// dump of its goroutines, even the driver: so the pool checks this first.
func (o *poolOptions) checkThreads() error {
	used, limit, limited := proc.Threads()
	workers := o.procs + o.spares
	need := workers*(1+threadsOfWorker+o.maxProcs()) + threadsOfDriver
	if !limited || used+need <= limit {
		return nil
	}
	return fmt.Errorf("mapreduce: %d workers need about %d threads, and this user has %d of at most %d: raise that limit "+
		"(ulimit -u), or use fewer workers: %w", workers, need, used, limit, syscall.EAGAIN)
}

// noThread reports whether the worker ended because it got no thread.
func (l *link) noThread() bool { return l.process != nil && l.process.Exit().NoThread() }
