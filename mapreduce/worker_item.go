package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// A chunkRun is a chunk that is being computed, in a worker.
type chunkRun struct {
	*worker
	*request
	in  *transport.Decoder
	out *transport.Encoder
}

// begin notes that the item of this offset in the chunk begins: if the worker dies, it is to blame.
func (r *chunkRun) begin(offset int) { r.process.Begin(r.tag, offset) }

// item returns the context of an item. cancel must be called when it is done.
func (r *chunkRun) item(offset int) (ctx context.Context, cancel func()) {
	item := &itemContext{Context: r.call.ctx, chunk: r, index: int(r.first) + offset}
	if r.call.timeout == 0 {
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
