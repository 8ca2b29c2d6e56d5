package mapreduce

import (
	"context"
	"math/rand/v2"
	"os"
)

// A Worker says where a task runs.
type Worker struct {
	ID      int // of the worker in its pool, from 1; never reused
	PID     int // process ID
	Place   int // of the worker, 0 to [Procs] - 1; its replacement has the same: see [AtPlace]
	Index   int // of the item in the input
	Attempt int // 1 in the first run of the item, 2 in the next, and so on
}

// CurrentWorker returns where the task that received ctx runs. ctx may be derived from that
// context. Outside of a task, the result is zero.
func CurrentWorker(ctx context.Context) Worker {
	item := currentItem(ctx)
	if item == nil {
		return Worker{}
	}
	return Worker{ID: item.chunk.process.ID, PID: os.Getpid(), Place: int(item.chunk.call.place),
		Index: item.index, Attempt: int(item.chunk.attempt)}
}

// Rand returns a random source for the item whose task received ctx. Each item has its own source,
// independent of all others and the same in every run with the same [Seed], whichever worker runs
// the item. Outside of a task, the source is a different one each time. Each call for the same item
// starts the same sequence anew: call Rand once and keep the result, which is not safe for
// concurrent use.
func Rand(ctx context.Context) *rand.Rand {
	item := currentItem(ctx)
	if item == nil {
		return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return rand.New(rand.NewPCG(mix(item.chunk.call.seed), mix(uint64(item.index))))
}

// mix is the finalizer of SplitMix64: neighbouring inputs give unrelated outputs.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
