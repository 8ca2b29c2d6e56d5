package mapreduce

import (
	"context"
	"math/rand/v2"
	"os"
)

// A Worker says on what a task runs.
type Worker struct {
	ID      int // of the worker in its pool, from 1; never used again
	PID     int // process id
	Place   int // of the worker in its pool, 0 to [Procs] - 1; one that replaces it has the same: see [AtPlace]
	Index   int // of the item in the input
	Attempt int // how often this item has been begun, from 1
}

// CurrentWorker returns where the task runs that got ctx, or a context derived from it; zero outside of a task.
func CurrentWorker(ctx context.Context) Worker {
	item := currentItem(ctx)
	if item == nil {
		return Worker{}
	}
	return Worker{ID: item.chunk.process.ID, PID: os.Getpid(), Place: int(item.chunk.call.place),
		Index: item.index, Attempt: int(item.chunk.attempt)}
}

// Rand returns a random source for the item whose task got ctx. Each item has its own, well apart from all others, and the
// same in every run with the same [Seed], whichever worker it runs on. Outside of a task it is a different one each time.
// Each call for one item begins the same source anew: call it once and keep the result, which is not safe for concurrent use.
func Rand(ctx context.Context) *rand.Rand {
	item := currentItem(ctx)
	if item == nil {
		return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return rand.New(rand.NewPCG(mix(item.chunk.call.seed), mix(uint64(item.index))))
}

// mix is the finalizer of SplitMix64: neighbours in, strangers out.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
