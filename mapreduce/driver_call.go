package mapreduce

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// A call is one use of a verb, as the pool sees it: arguments to encode and results to place, by
// index.
type call struct {
	state schedule.Call // what the scheduler knows of it

	answered int           // items; only the supervisor uses it and longest
	longest  time.Duration // longest time that a chunk took

	id      uint32
	task    *entry
	params  []byte
	items   items
	options callOptions

	// Of an Imap:
	have     atomic.Int64 // items taken from the input
	ended    atomic.Bool  // have is final
	consumed atomic.Int64 // results that left the window
	flowing  atomic.Bool  // an evFlow that covers the latest change is on its way

	waiting  *waiting  // the supervisor's; nil if the call has no wait limit
	deadline time.Time // of the caller's context; zero: none

	cargo transport.Cargo // what the arguments refer to, kept until the end

	once  sync.Once
	over  chan struct{} // closed when the pool no longer uses the arguments
	cause error         // why it ended early, or nil; set before over is closed
	onEnd func(error)   // called with cause just before over is closed; must not block
}

// items is the source of a call's arguments and the destination of its results. The pool calls
// encode and lose from the goroutine that holds the supervisor's lock, and place from one goroutine
// per worker.
type items interface {
	// encode writes the arguments of the span.
	encode(out *transport.Encoder, s schedule.Span) error
	// place decodes the results of the span, and returns the failures of its items. Its error fails
	// the call.
	place(in *transport.Decoder, s schedule.Span) (failed TaskErrors, err error)
	// key returns the text of an item that is being answered.
	key(item int) string
	// lose records the failure of an item that no worker will answer. Its error fails the call.
	lose(failure *TaskError) error
}

// A keeper is an items whose arguments are all known when the call begins.
type keeper interface {
	// keep adds to cargo what the arguments refer to.
	keep(cargo *transport.Cargo)
}

// keep keeps what the arguments refer to until the end of the call: they may be sent later, or
// again, after their user has closed it.
func (c *call) keep() {
	if k, ok := c.items.(keeper); ok {
		k.keep(&c.cargo)
	}
}

// callOptions returns the pool's options for a call, changed by opts. It fails if task is nil or
// NewPool did not make the pool.
func (p *Pool) callOptions(task *entry, opts []CallOption) (callOptions, error) {
	switch {
	case task == nil:
		return callOptions{}, errNoTask
	case p == nil || p.supervisor == nil:
		return callOptions{}, errNoPool
	}
	o, err := p.supervisor.options.call.with(opts)
	o.logLevel = p.supervisor.lowestLevel()
	return o, err
}

// newCall returns a call of n items, which all exist.
func newCall(task *entry, params []byte, it items, n int, o callOptions) *call {
	c := newImapCall(task, it, 0, o)
	c.params = params
	c.state.Have, c.state.Ended = n, true
	return c
}

// newImapCall returns a call whose items arrive over time. At most window items are taken but not
// yet consumed.
func newImapCall(task *entry, it items, window int, o callOptions) *call {
	task.prepare()
	c := &call{task: task, items: it, options: o, over: make(chan struct{})}
	if o.waitLimit > 0 {
		c.waiting = new(waiting)
	}
	c.state = schedule.Call{Owner: c, Chunksize: o.chunksize, Backups: o.backups, Retries: o.retries, Place: o.place,
		Window: window, Direct: o.waitLimit > 0}
	return c
}

// end ends the call and tells its caller. The first cause counts.
func (c *call) end(cause error) {
	c.once.Do(func() {
		c.cause = cause
		if c.onEnd != nil {
			c.onEnd(cause)
		}
		c.cargo.Release()
		close(c.over)
	})
}

// begin submits a call of a verb that called enter. When ctx ends, the caller must cancel the call.
func (s *supervisor) begin(ctx context.Context, c *call) error {
	c.deadline, _ = ctx.Deadline()
	c.keep()
	s.mu.Lock()
	if s.ended != nil {
		defer s.mu.Unlock()
		c.cargo.Release()
		return s.ended
	}
	c.id = s.lastCall.Add(1)
	s.inbox.add(event{kind: evSubmit, call: c})
	s.mu.Unlock()
	s.tell()
	return nil
}

// failMisplaced fails a call for a place that the pool does not have, and reports whether it did.
func (s *supervisor) failMisplaced(c *call) bool {
	if c.state.Place <= s.size() {
		return false
	}
	s.fail(c, fmt.Errorf("mapreduce: %s: AtPlace(%d): the pool has %d workers", c.task.name, c.state.Place-1, s.size()))
	return true
}

// run submits a call of a verb that called enter, and waits for its end. When ctx ends, run cancels
// the call and returns the cause.
func (s *supervisor) run(ctx context.Context, c *call) error {
	if err := s.begin(ctx, c); err != nil {
		return err
	}
	select {
	case <-c.over:
	case <-ctx.Done():
		s.cancelCall(c, context.Cause(ctx))
		<-c.over
	}
	return c.cause
}

// flow tells the pool that have, ended or consumed of the call changed.
func (s *supervisor) flow(c *call) {
	if !c.flowing.Swap(true) {
		s.inbox.put(event{kind: evFlow, call: c})
	}
}
