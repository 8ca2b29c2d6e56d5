package mapreduce

import (
	"fmt"
	"time"
)

// Stats are the numbers of a pool since it was made. An item that is sent again, because its worker
// died, counts again as sent.
type Stats struct {
	Chunks   int // messages with work sent to workers
	Sent     int // items in them
	Done     int // items answered or given up, including failed ones
	Failed   int // items whose task failed, or that were given up
	Retried  int // times that an item was tried again because its worker died
	Lost     int // workers that died
	Recycled int // workers that were replaced in good order

	Running int // items at workers now
	Waiting int // items that the pool has received and not sent

	Elapsed time.Duration // since the pool was made; after Close, until its end
	Times   Times         // of all workers together, those that have ended included

	Workers []WorkerStats // those that are ready now; after Close, those that were at the end
	Slowest []SlowItem    // at most five, the slowest first
}

// Times say what a worker spent its time on, from the decision to start it until its end, or what
// all workers of a pool did. [Stats.Advice] says what to change.
type Times struct {
	Start  time.Duration // until its process had started and greeted the pool
	Init   time.Duration // in initializers
	Wait   time.Duration // without items, or waiting for messages
	Work   time.Duration // in tasks
	Encode time.Duration // decoding arguments and encoding results, estimated from samples
	Exit   time.Duration // from when it was told to end until it had ended
}

// Total returns the sum.
func (t Times) Total() time.Duration {
	return t.Start + t.Init + t.Wait + t.Work + t.Encode + t.Exit
}

func (t *Times) add(more Times) {
	t.Start += more.Start
	t.Init += more.Init
	t.Wait += more.Wait
	t.Work += more.Work
	t.Encode += more.Encode
	t.Exit += more.Exit
}

// WorkerStats are the numbers of one worker.
type WorkerStats struct {
	ID     int
	PID    int
	Items  int   // items that it has answered
	Memory int64 // most bytes that it has had in use, noted every second; 0: unknown
	Times

	// What it runs now:
	Task string        // name of the task, or of the step of a job; empty: it runs nothing
	Item int           // index of the item in the input
	For  time.Duration // since the chunk began to which the item belongs

	ItemDone, ItemTotal int64 // how much of the item is done, as its task told [Report] last
}

// A SlowItem is a chunk whose items took long; it has one item if that was sent alone. It has no Key
// if Each is below a millisecond, or an argument has parts that the program may be changing.
type SlowItem struct {
	Task        string
	First, Last int           // indexes of its items
	Key         string        // beginning of the first item's text, as errors show it; it may be empty
	Each        time.Duration // mean time per item
}

// Stats returns the numbers so far. It waits for what the pool is doing, some microseconds. When
// the pool is ending, it returns the final numbers, even to an Output function that receives the
// last lines of a worker; only the ends of workers are missing in them until Close has returned.
func (p *Pool) Stats() Stats { return p.supervisor.stats() }

// Progress calls f with the numbers of the pool at every interval, and a last time when the pool
// ends. Calls of f do not overlap, and [Pool.Close] waits for them. A panic of f is reported to
// standard error.
func Progress(every time.Duration, f func(Stats)) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if every <= 0 {
			return fmt.Errorf("mapreduce: Progress(%v): must be positive", every)
		}
		if f == nil {
			return fmt.Errorf("mapreduce: Progress(%v): the function is nil", every)
		}
		o.progress, o.progressEvery = f, every
		return nil
	})
}

// A WorkerInfo describes a live worker.
type WorkerInfo struct {
	ID  int // counts from 1; a worker that replaces another has a new one
	PID int // process ID
}

// Workers returns the workers whose processes run now, some of which may not be ready yet; none
// after Close. It omits workers that are being replaced, and [Spares]. It does not block.
func (p *Pool) Workers() (all []WorkerInfo) {
	for _, l := range p.supervisor.linksThat(func(l *link) bool { return l.process != nil && l.alive() }) {
		all = append(all, WorkerInfo{ID: l.id, PID: l.process.PID()})
	}
	return all
}
