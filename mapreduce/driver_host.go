package mapreduce

import (
	"context"
	"sync/atomic"

	"mrrun/mapreduce/internal/proc"
)

// A host is what a link needs to know of the [Pool] or [Process] that it belongs to.
type host struct {
	ctx     context.Context // when it ends, the workers end in good order
	life    context.Context // when it ends, the workers end at once
	options poolOptions
	hello   proc.Hello
	inbox   *mailbox[event] // receives what the links report
	slow    *atomic.Int64   // nanoseconds that an item must take to be among the slowest
}

func newHost(o poolOptions) host {
	return host{options: o, hello: table(), inbox: newMailbox[event](), slow: new(atomic.Int64)}
}

// newProcessHost returns the host of a [Process].
func newProcessHost(ctx context.Context, o poolOptions) *host {
	h := newHost(o)
	h.ctx, h.life = ctx, ctx
	return &h
}

// cancelCall cancels a call. It does not wait.
func (h *host) cancelCall(c *call, cause error) {
	h.inbox.put(event{kind: evCancel, call: c, err: cause})
}
