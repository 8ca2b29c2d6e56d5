package mapreduce

import (
	"fmt"
	"syscall"

	"mrrun/mapreduce/internal/proc"
)

const (
	threadsOfWorker = 6 // beside those that run Go code
	threadsOfDriver = 8 // beside one that waits for each worker
)

// checkThreads returns why this user may not have the pool's workers now. A user may have so many threads in all (ulimit -u),
// and a Go program that gets none ends with a dump of its goroutines, the driver too: so it is looked at before.
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

// noThread reports whether the worker, which has ended, did so because it got no thread.
func (l *link) noThread() bool { return l.process != nil && l.process.Exit().NoThread() }
