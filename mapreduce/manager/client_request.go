package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mrrun/shared"
	"mrrun/transport"
)

// grace is how long a manager may give no sign of life to a call whose ctx has ended.
const grace = 250 * time.Millisecond

// A pending is a call that waits for its answer.
type pending struct {
	answered chan struct{} // of capacity 1
	kind     byte
	body     []byte
	err      error
}

var pendings = sync.Pool{New: func() any { return &pending{answered: make(chan struct{}, 1)} }}

// take returns the answer and recycles p.
func (p *pending) take() (kind byte, answer []byte, err error) {
	kind, answer, err = p.kind, p.body, p.err
	p.body, p.err = nil, nil
	pendings.Put(p)
	return kind, answer, err
}

// call calls a method of an object; name is the name of the call in errors. encode and decode are
// nil if there is nothing to encode or decode. When ctx ends, call tells the manager, and goes on
// waiting for the answer as long as the manager gives any sign of life: the answer says whether the
// manager has done what was asked.
func (c *Client) call(ctx context.Context, name string, id uint64, method op, encode func(*transport.Encoder) error,
	decode func(*transport.Decoder) error) error {
	r, err := c.sendCall(name, id, method, encode)
	if err != nil {
		return err
	}
	return r.wait(ctx, decode)
}

// A sentCall is a call that was sent.
type sentCall struct {
	c      *Client
	name   string
	id     uint64
	method op
	tag    uint32
	p      *pending
}

// wait waits for the answer. It must be called only once.
func (r sentCall) wait(ctx context.Context, decode func(*transport.Decoder) error) error {
	kind, body, err := r.answer(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("manager: %s: %w", r.name, err)
	case kind == kindFailure:
		err := decodeFailure(r.name, body)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return context.Cause(ctx)
		}
		return err
	case decode == nil:
		return nil
	}
	if err := decode(transport.NewDecoder(body)); err != nil {
		return fmt.Errorf("manager: %s: result: %w", r.name, err)
	}
	return nil
}

// sendCall sends a call, unless it is larger than the manager takes. It encodes the call before it
// locks anything, because encode may use the client itself.
func (c *Client) sendCall(name string, id uint64, method op, encode func(*transport.Encoder) error) (sentCall, error) {
	e := getScratch(c.server.instance)
	defer putScratch(e)
	e.Uint(id)
	e.String(string(method))
	if encode != nil {
		if err := encode(e); err != nil {
			return sentCall{}, fmt.Errorf("manager: %s: %w", name, err)
		}
	}
	if size := uint64(e.Len()); size > c.server.limit {
		return sentCall{}, fmt.Errorf("manager: %s: %w that the manager takes: see MaxMessage", name,
			&transport.SizeError{Size: size, Limit: c.server.limit})
	}
	tag, p, err := c.begin(kindCall, e.Bytes())
	if err != nil {
		return sentCall{}, fmt.Errorf("manager: %s: %w", name, err)
	}
	return sentCall{c, name, id, method, tag, p}, nil
}

func (r sentCall) answer(ctx context.Context) (kind byte, answer []byte, err error) {
	over, stop := r.c.watch(ctx, r.tag)
	defer stop()
	if r.c.await(r.p, over) {
		return r.p.take()
	}
	r.c.awaitLate(r.p, r.takeBack)
	return 0, nil, fmt.Errorf("%w: %w", ErrNoAnswer, context.Cause(ctx))
}

// begin sends a frame that the manager answers.
func (c *Client) begin(kind byte, body []byte) (tag uint32, p *pending, err error) {
	p = pendings.Get().(*pending)
	if tag, err = c.enter(p); err != nil {
		pendings.Put(p)
		return 0, nil, err
	}
	if _, err = c.out.Add(kind, tag, raw(body)); err != nil { // the connection has ended
		c.lost(err)
	} else {
		c.flusher.Soon()
	}
	return tag, p, nil
}

func raw(body []byte) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error { _, err := e.Write(body); return err }
}

// enter registers p for its answer and returns its tag.
func (c *Client) enter(p *pending) (tag uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.last++
	for c.last == noTag || c.calls[c.last] != nil {
		c.last++
	}
	c.calls[c.last] = p
	return c.last, nil
}

// await waits for the answer; while no other goroutine reads the connection, await does. It reports
// false if over is closed first.
func (c *Client) await(p *pending, over <-chan struct{}) bool {
	select {
	case <-p.answered:
		return true
	case <-over:
	case c.reading <- struct{}{}:
		c.read(p, over)
		<-c.reading
	}
	select {
	case <-p.answered:
		return true
	case <-over:
	}
	select { // both may be ready
	case <-p.answered:
		return true
	default:
		return false
	}
}

// watch tells the manager when ctx ends. It closes over if the manager gives no sign of life after
// that.
func (c *Client) watch(ctx context.Context, tag uint32) (over <-chan struct{}, stop func() bool) {
	if ctx.Done() == nil {
		return nil, func() bool { return true }
	}
	ended := make(chan struct{})
	return ended, context.AfterFunc(ctx, func() { c.cancel(tag, ended) })
}

// cancel tells the manager that no goroutine waits for a call any more, and asks whether the
// manager is there. It closes over if no frame comes within grace, and otherwise starts again,
// until the call is answered.
func (c *Client) cancel(tag uint32, over chan struct{}) {
	heard := c.heard.Load()
	_, err := c.out.Add(kindCancel, tag, nil)
	if err == nil {
		_, err = c.out.Add(kindPing, noTag, nil)
	}
	if err != nil {
		return // the connection has ended, and so has the call
	}
	c.flusher.Soon()
	time.AfterFunc(grace, func() {
		if c.heard.Load() == heard {
			c.giveUp(over)
		} else if c.awaits(tag) {
			c.cancel(tag, over)
		}
	})
}

func (c *Client) awaits(tag uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[tag] != nil
}

// giveUp ends the wait of a call, which may be the one that reads the connection.
func (c *Client) giveUp(over chan struct{}) {
	close(over)
	if c.quiet != nil {
		c.quiet.Interrupt()
	}
}

// awaitLate waits for the answer to an abandoned call, in a goroutine, and passes it to late.
func (c *Client) awaitLate(p *pending, late func(kind byte, answer []byte)) {
	wait := func() {
		c.await(p, nil)
		if kind, answer, err := p.take(); err == nil {
			late(kind, answer)
		}
	}
	if !c.spawn(wait) { // the connection has ended, and all calls with it
		wait()
	}
}

// spawn runs f in a goroutine that Close waits for, and reports whether it does: it does not if the
// connection has ended.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.running.Go(f)
	return true
}

// givesHold reports whether the method gives its caller something to hold.
func givesHold(name string) bool {
	switch op(name) {
	case "Lock." + opLock, "Lock." + opTryLock, "RLock." + opLock, "RLock." + opTryLock,
		"Semaphore." + opAcquire, "Semaphore." + opTryAcquire, "Queue." + opGet, "Queue." + opTryGet:
		return true
	}
	return false
}

// takeBack tells the manager to take back what an abandoned call has brought about.
func (r sentCall) takeBack(kind byte, answer []byte) {
	back := opTakeBack
	switch {
	case r.id == 0 && r.method == opNew:
		back = opClose
	case r.id == 0 || !givesHold(r.name):
		return
	}
	if kind == kindFailure {
		if !errors.Is(decodeFailure(r.name, answer), shared.ErrOwnerDied) {
			return
		}
		answer = nil // the lock is held all the same
	}
	if r.c.tell(r.id, back, raw(answer)) {
		r.c.flusher.Soon()
	}
}

// tell adds a call that has no answer to what is written next, and reports whether it could.
func (c *Client) tell(id uint64, method op, args func(*transport.Encoder) error) bool {
	_, err := c.out.Add(kindTell, noTag, func(e *transport.Encoder) error {
		e.Uint(id)
		e.String(string(method))
		return args(e)
	})
	return err == nil
}
