package mapreduce

import (
	"errors"
	"time"
)

// An Observer is told what happens to the items and the workers of a pool, as it happens. Progress
// displays, job logs and reports of failures are made of it. Any other engine that runs the same
// tasks can call one in the same way.
//
// A pool calls one method at a time, and goes on when it returns: a method must be fast, must not
// block and must not use the pool, not even for [Pool.Stats]. The pool reports a panic to standard
// error. Pointers that a method gets are valid after it has returned, and are not to be changed.
type Observer interface {
	// Begin is told that a worker got a chunk of items. A worker runs what it gets in order, so the
	// items may have to wait there for those before them.
	Begin(Chunk)
	// End is told that the items of a chunk have been answered, or that an item was given up: then
	// the chunk has that item alone. Items whose worker died are not told to end, but to begin
	// again, in the same chunk or in another.
	End(Chunk, Outcome)
	// Worker is told that a worker was started, is ready or has ended.
	Worker(WorkerChange)
}

// A Chunk is some items of a call that travel to a worker together.
type Chunk struct {
	Call        int    // number of the call in its pool, from 1
	Task        string // name of the task, or of the step of a job
	First, Last int    // indexes of its items in the input
	Attempt     int    // 1 when First is sent first, 2 the next time, and so on
	Worker      int    // ID of the worker
}

// Items returns the number of items.
func (c Chunk) Items() int { return c.Last - c.First + 1 }

// An Outcome says how a [Chunk] ended.
type Outcome struct {
	Work     time.Duration // that the worker spent on it; 0 for an item that was given up
	Sent     int           // bytes of arguments
	Received int           // bytes of results
	Failures TaskErrors    // of the items that failed
}

// A WorkerState is a step in the life of a worker.
type WorkerState int

const (
	WorkerStarting WorkerState = iota // its process will be started; the PID is not known yet
	WorkerReady                       // its initializers have run
	WorkerEnded                       // its process has been reaped
)

// A WorkerChange says what has changed about a worker.
type WorkerChange struct {
	State WorkerState
	ID    int // of the worker
	PID   int // process ID; 0: unknown

	// Of a worker that ended:
	Lost   *WorkerLostError // how it died; nil: it ended in good order, or did not start
	Reason error            // why the pool killed it, or why it did not start; nil: neither
	Ran    time.Duration    // since the chunk began whose item it ran; 0: it ran none
	Call   int              // number of the call whose item it ran; 0: none, and Lost.Index is -1
	Task   string           // name of the task of that item
	Again  bool             // that item will be tried again
}

// Observe tells o what happens in the pool. It is then up to o to report workers that were lost:
// the pool does not log them.
func Observe(o Observer) PoolOption {
	return poolFunc(func(p *poolOptions) error {
		if o == nil {
			return errors.New("mapreduce: Observe: the observer is nil")
		}
		p.observer = o
		return nil
	})
}
