package mapreduce

import (
	"context"

	"mrrun/mapreduce/internal/proc"
)

// A host is what a link needs of the [Pool], or of the [Process], that it belongs to.
type host struct {
	ctx     context.Context // its end ends the workers
	life    context.Context // likewise, and leaves no worker time to end in good order
	options poolOptions
	hello   proc.Hello
	inbox   *mailbox[event] // takes what links report
}

func newHost(o poolOptions) host {
	return host{options: o, hello: table(), inbox: newMailbox[event]()}
}

// newProcessHost returns the host of one process.
func newProcessHost(ctx context.Context, o poolOptions) *host {
	h := newHost(o)
	h.ctx, h.life = ctx, ctx
	return &h
}

// cancelCall cancels a call. It does not wait.
func (h *host) cancelCall(c *call, cause error) {
	h.inbox.put(event{kind: evCancel, call: c, err: cause})
}
