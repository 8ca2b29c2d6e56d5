package manager

import (
	"context"
	"fmt"
	"io"
	"sync"

	"mrrun/transport"
)

func newQueueObject(_ *session, args *transport.Decoder) (object, error) {
	size, err := args.Uint()
	if err != nil {
		return nil, err
	}
	if size < 1 || size > maxQueue {
		return nil, fmt.Errorf("%w: a queue of %d values", ErrType, size)
	}
	return &queueObject{size: int(size)}, nil
}

// errQueueClosed is the error of a Put to a closed queue.
var errQueueClosed = fmt.Errorf("the queue: %w", transport.ErrClosed)

// A queueObject holds values, or consumers wait in it, or neither. Producers wait only while it is
// full.
type queueObject struct {
	mu         sync.Mutex
	size       int
	values     []stored // those in the queue begin at head
	head       int
	unfinished int // values that were put and that TaskDone was not called for
	closed     bool
	getters    line
	putters    line
	joiners    line
}

func (o *queueObject) leave(*session) {}

func (o *queueObject) dropAll(srv *Server) {
	for _, v := range o.values[o.head:] {
		srv.release(v)
	}
}

func (o *queueObject) len() int { return len(o.values) - o.head }

// add adds a value. There must be room for it.
func (o *queueObject) add(v stored) {
	o.unfinished++
	o.deliver(v)
}

func (o *queueObject) deliver(v stored) {
	if t := o.getters.next(); t != nil {
		t.item = v
		t.ready <- nil
		return
	}
	o.values = append(o.values, v)
}

// take removes the oldest value and returns it. It adds the value of the first producer that waits
// for room.
func (o *queueObject) take() stored {
	v := o.values[o.head]
	o.values[o.head] = stored{}
	if o.head++; o.head*2 > len(o.values) && o.head > 32 || o.head == len(o.values) {
		n := copy(o.values, o.values[o.head:])
		clear(o.values[n:])
		o.values, o.head = o.values[:n], 0
	}
	if t := o.putters.next(); t != nil {
		o.add(t.item)
		t.ready <- nil
	}
	return v
}

// giveBack puts back a value whose consumer has vanished: it is the oldest again.
func (o *queueObject) giveBack(srv *Server, v stored) {
	v = srv.store(v.b) // the consumer's session has taken its references
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.getters.next(); t != nil {
		t.item = v
		t.ready <- nil
		return
	}
	o.values = append([]stored{v}, o.values[o.head:]...)
	o.head = 0
}

var queueOps = ops[*queueObject]{
	opPut:      (*queueObject).put,
	opTryPut:   (*queueObject).tryPut,
	opGet:      (*queueObject).get,
	opTryGet:   (*queueObject).tryGet,
	opTaskDone: (*queueObject).taskDone,
	opJoin:     (*queueObject).join,
	opLen:      (*queueObject).length,
	opCap:      (*queueObject).capacity,
	opClose:    (*queueObject).close,
}

func (o *queueObject) call(c *call) error {
	if op(c.method) == opTakeBack { // locks mu by itself, as the undo of a Get does
		if len(c.in.Rest()) > 0 {
			o.giveBack(c.s.srv, stored{b: c.in.Rest()})
		}
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return queueOps.run(o, c, "queue")
}

func (o *queueObject) taskDone(*call) error {
	if o.unfinished == 0 {
		return transport.ErrTaskDone
	}
	if o.unfinished--; o.unfinished == 0 {
		o.joiners.all(nil)
	}
	return nil
}

func (o *queueObject) join(c *call) error {
	if o.unfinished == 0 {
		return nil
	}
	return o.joiners.await(c, &o.mu)
}

func (o *queueObject) length(c *call) error {
	c.out.Uint(uint64(o.len()))
	return nil
}

func (o *queueObject) capacity(c *call) error {
	c.out.Uint(uint64(o.size))
	return nil
}

func (o *queueObject) close(*call) error {
	o.closed = true
	o.putters.all(errQueueClosed)
	o.getters.all(io.EOF)
	return nil
}

func (o *queueObject) tryPut(c *call) error {
	if !o.closed && o.len() >= o.size {
		return c.flag(false)
	}
	if err := o.put(c); err != nil {
		return err
	}
	return c.flag(true)
}

func (o *queueObject) put(c *call) error {
	if o.closed {
		return errQueueClosed
	}
	v := c.s.srv.store(c.in.Rest())
	if o.len() < o.size {
		o.add(v)
		return nil
	}
	t := o.putters.join(c.s)
	t.item = v
	return c.later(func(ctx context.Context) ([]byte, error) {
		err := t.wait(ctx, &o.mu, &o.putters)
		if err != nil {
			c.s.srv.release(v)
		}
		return nil, err
	})
}

// tryGet answers with the oldest value, or with nothing if there is none.
func (o *queueObject) tryGet(c *call) error {
	if o.len() == 0 && !o.closed {
		return nil
	}
	return o.get(c)
}

func (o *queueObject) get(c *call) error {
	s := c.s
	if o.len() > 0 {
		v := o.take()
		c.undo = func() { o.giveBack(s.srv, v) }
		c.adopt(v)
		return c.raw(v.b)
	}
	if o.closed {
		return fmt.Errorf("the queue is closed and empty: %w", io.EOF)
	}
	t := o.getters.join(s)
	var got bool
	c.undo = func() {
		if got {
			o.giveBack(s.srv, t.item)
		}
	}
	return c.later(func(ctx context.Context) ([]byte, error) {
		if err := t.wait(ctx, &o.mu, &o.getters); err != nil {
			return nil, err
		}
		got = true
		c.adopt(t.item)
		return t.item.b, nil
	})
}
