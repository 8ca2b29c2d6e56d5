package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"sync/atomic"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// A chunkRun is a chunk that is being computed, in a worker.
type chunkRun struct {
	*server
	*request
	in  *transport.Decoder
	out *transport.Encoder
}

// begin notes that the item of this offset in the chunk begins: if the worker dies, it is to blame.
func (r *chunkRun) begin(offset int) { r.worker.Note.Set(r.tag, offset) }

// item returns the context of an item. cancel must be called when it is done.
func (r *chunkRun) item(offset int) (ctx context.Context, cancel func()) {
	item := &itemContext{Context: r.session.ctx, chunk: r, index: int(r.first) + offset}
	if r.session.timeout == 0 {
		return item, func() {}
	}
	return r.withTimeout(item, offset)
}

// timedOut makes the error of an item whose time was over an [ErrTimeout], also if the task returned ctx.Err().
func timedOut(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrTimeout) && !errors.Is(err, ErrTimeout) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// An itemContext is the context of one item, and all that a task can ask it.
type itemContext struct {
	context.Context
	chunk  *chunkRun
	index  int
	holder atomic.Uint64 // of shared locks that can be locked again; 0: nobody has asked
}

type itemKey struct{}

// Value implements [context.Context].
func (c *itemContext) Value(key any) any {
	switch key {
	case itemKey{}:
		return c
	case shm.HolderKey{}:
		c.holder.CompareAndSwap(0, shm.NewHolder())
		return c.holder.Load()
	}
	return c.Context.Value(key)
}

// currentItem returns nil outside of a task.
func currentItem(ctx context.Context) *itemContext {
	item, _ := ctx.Value(itemKey{}).(*itemContext)
	return item
}

// A Worker says on what a task runs.
type Worker struct {
	ID      int // of the worker in its pool, from 1; never used again
	PID     int // process id
	Index   int // of the item in the input
	Attempt int // how often this item has been begun, from 1
}

// CurrentWorker returns where the task runs that got ctx, or a context derived from it; zero outside of a task.
func CurrentWorker(ctx context.Context) Worker {
	item := currentItem(ctx)
	if item == nil {
		return Worker{}
	}
	return Worker{ID: item.chunk.worker.ID, PID: os.Getpid(), Index: item.index, Attempt: int(item.chunk.attempt)}
}

// Rand returns a random source for the item whose task got ctx. Each item has its own, well apart from all others, and the
// same in every run with the same [Seed], whichever worker it runs on. Outside of a task it is a different one each time.
// Each call for one item begins the same source anew: call it once and keep the result, which is not safe for concurrent use.
func Rand(ctx context.Context) *rand.Rand {
	item := currentItem(ctx)
	if item == nil {
		return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return rand.New(rand.NewPCG(mix(item.chunk.session.seed), mix(uint64(item.index))))
}

// mix is the finalizer of SplitMix64: neighbours in, strangers out.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// safely calls f and turns a panic into an error.
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	return f()
}

// A panicError is a panic of a task, in its worker.
type panicError struct {
	value, stack string
	err          error // the value, if it is an error
}

// newPanicError is called where the panic is recovered.
func newPanicError(p any) *panicError {
	err, _ := p.(error)
	return &panicError{value: fmt.Sprint(p), stack: string(debug.Stack()), err: err}
}

func (e *panicError) Error() string { return "panic: " + e.value }
func (e *panicError) Unwrap() error { return e.err }
