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
	{opPut, (*queueObject).put},
	{opTryPut, (*queueObject).tryPut},
	{opGet, (*queueObject).get},
	{opTryGet, (*queueObject).tryGet},
	{opTaskDone, (*queueObject).taskDone},
	{opJoin, (*queueObject).join},
	{opLen, (*queueObject).length},
	{opCap, (*queueObject).capacity},
	{opClose, (*queueObject).close},
}

func (o *queueObject) call(r *request) error {
	if op(r.method) == opTakeBack { // locks mu by itself, as the undo of a Get does
		if len(r.in.Rest()) > 0 {
			o.giveBack(r.s.srv, stored{b: r.in.Rest()})
		}
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return queueOps.run(o, r, "queue")
}

func (o *queueObject) taskDone(*request) error {
	if o.unfinished == 0 {
		return transport.ErrTaskDone
	}
	if o.unfinished--; o.unfinished == 0 {
		o.joiners.all(nil)
	}
	return nil
}

func (o *queueObject) join(r *request) error {
	if o.unfinished == 0 {
		return nil
	}
	return o.joiners.await(r, &o.mu)
}

func (o *queueObject) length(r *request) error {
	r.out.Uint(uint64(o.len()))
	return nil
}

func (o *queueObject) capacity(r *request) error {
	r.out.Uint(uint64(o.size))
	return nil
}

func (o *queueObject) close(*request) error {
	o.closed = true
	o.putters.all(errQueueClosed)
	o.getters.all(io.EOF)
	return nil
}

func (o *queueObject) tryPut(r *request) error {
	if !o.closed && o.len() >= o.size {
		return r.flag(false)
	}
	if err := o.put(r); err != nil {
		return err
	}
	return r.flag(true)
}

func (o *queueObject) put(r *request) error {
	if o.closed {
		return errQueueClosed
	}
	v := r.s.srv.store(r.in.Rest())
	if o.len() < o.size {
		o.add(v)
		return nil
	}
	t := o.putters.join(r.s)
	t.item = v
	return r.later(func(ctx context.Context) ([]byte, error) {
		err := t.wait(ctx, &o.mu, &o.putters)
		if err != nil {
			r.s.srv.release(v)
		}
		return nil, err
	})
}

// tryGet answers with the oldest value, or with nothing if there is none.
func (o *queueObject) tryGet(r *request) error {
	if o.len() == 0 && !o.closed {
		return nil
	}
	return o.get(r)
}

func (o *queueObject) get(r *request) error {
	s := r.s
	if o.len() > 0 {
		v := o.take()
		r.undo = func() { o.giveBack(s.srv, v) }
		r.adopt(v)
		return r.raw(v.b)
	}
	if o.closed {
		return fmt.Errorf("the queue is closed and empty: %w", io.EOF)
	}
	t := o.getters.join(s)
	var got bool
	r.undo = func() {
		if got {
			o.giveBack(s.srv, t.item)
		}
	}
	return r.later(func(ctx context.Context) ([]byte, error) {
		if err := t.wait(ctx, &o.mu, &o.getters); err != nil {
			return nil, err
		}
		got = true
		r.adopt(t.item)
		return t.item.b, nil
	})
}
