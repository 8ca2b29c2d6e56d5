package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// A chunkRun is a chunk that a worker is computing.
type chunkRun struct {
	*worker
	request // a copy: a goroutine may outlive its item and ask later
	in      *transport.Decoder
	out     *transport.Encoder
}

// begin records that the item at this offset of the chunk starts: if the worker dies, that item is
// to blame.
func (r *chunkRun) begin(offset int) { r.process.Begin(r.tag, offset) }

// item returns the context of an item. The caller must call cancel when the item is done.
func (r *chunkRun) item(offset int) (ctx context.Context, cancel func()) {
	item := &itemContext{Context: r.call.ctx, chunk: r, index: int(r.first) + offset}
	if r.call.timeout == 0 {
		return item, func() {}
	}
	return r.withTimeout(item, offset)
}

// timedOut turns the error of an item whose time ran out into an [ErrTimeout], also if the task
// returned ctx.Err().
func timedOut(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || !errors.Is(cause, ErrTimeout) {
		return err
	}
	if !errors.Is(err, ErrTimeout) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	if d, ok := ctx.(*itemDeadline); ok {
		err = &stacksError{err, d.stacks}
	}
	return err
}

// An itemContext is the context of one item, and holds all that a task can ask about it.
type itemContext struct {
	context.Context
	chunk  *chunkRun
	index  int
	holder atomic.Uint64 // identifies the item to reentrant shared locks; 0: no lock has asked
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

// currentItem returns the item whose task received ctx, or nil outside of a task.
func currentItem(ctx context.Context) *itemContext {
	item, _ := ctx.Value(itemKey{}).(*itemContext)
	return item
}
