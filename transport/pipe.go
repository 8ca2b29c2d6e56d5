package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A PipeEnd is one of the two ends of a pipe, in the same process or in different ones: one
// receives what the other sends, in order and value by value. [Pipe] or [OneWayPipe] makes it; it
// is used by pointer. All methods are safe for concurrent use. What is sent stays in shared memory
// until it is received, even if the sender has ended meanwhile.
//
// An end can be sent to another process of the tree like any value, before it is used here. Both
// processes have it then: the sender closes its own copy when the receiver has got it, as in
// Python. Until it does, the other end does not notice when the receiver is gone. Only one process
// at a time uses an end: the first that does, until it closes the end or ends. In any other process
// Send and Recv return an error.
type PipeEnd[T any] struct {
	conn *Conn[T]
	pipe *pipe
}

// Pipe makes a pipe that goes both ways. The error is a [TypeError] if T cannot travel, or
// [shared.ErrUnsupported] where there is no shared memory. If both sides send much and neither
// receives, both block in Send.
func Pipe[T any]() (a, b *PipeEnd[T], err error) { return newPipe[T](sends|receives, sends|receives) }

// OneWayPipe makes a pipe like [Pipe] that goes from writer to reader only.
func OneWayPipe[T any]() (reader, writer *PipeEnd[T], err error) { return newPipe[T](receives, sends) }

func newPipe[T any](modeA, modeB pipeMode) (a, b *PipeEnd[T], err error) {
	p, q, err := makePipe(modeA, modeB)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	a, err = newEnd[T](p)
	if err == nil {
		b, err = newEnd[T](q)
	}
	if err != nil {
		_, _ = p.Close(), q.Close()
		return nil, nil, err
	}
	return a, b, nil
}

func newEnd[T any](p *pipe) (*PipeEnd[T], error) {
	conn, err := NewConn[T](p, 0)
	if err != nil {
		return nil, err
	}
	return &PipeEnd[T]{conn, p}, nil
}

var (
	errSendsOnly    = errors.New("this end of the pipe only sends")
	errReceivesOnly = errors.New("this end of the pipe only receives")
	errOtherGone    = fmt.Errorf("the other end was closed, or its process has ended: %w", io.ErrClosedPipe)
)

func (e *PipeEnd[T]) check() {
	if e == nil || e.conn == nil {
		panic("transport: use of the zero PipeEnd: make a pair with Pipe, or get one from another process")
	}
}

// Send sends v, which may be changed as soon as Send returns. It blocks while the pipe is full,
// which takes some 200 KB. The error wraps [io.ErrClosedPipe] if the other end was closed or its
// process has ended, wraps [ErrClosed] if this end was closed, and is a [SizeError] for more than
// [MaxBody] bytes. If v cannot be encoded, Send returns an error and the end stays usable; after
// any other error the end cannot send any more.
func (e *PipeEnd[T]) Send(v T) error {
	e.check()
	if err := e.pipe.may(sends); err != nil {
		return fmt.Errorf("send %T: %w", v, err)
	}
	return e.conn.Send(v)
}

// Recv waits for the next value. It returns [io.EOF] itself when the other end was closed, or its
// process has ended, and all that it sent was received. The error wraps [ErrClosed] if this end was
// closed, and [io.ErrUnexpectedEOF] if the sender was killed in the middle of a value.
func (e *PipeEnd[T]) Recv() (T, error) {
	e.check()
	if err := e.pipe.may(receives); err != nil {
		var none T
		return none, fmt.Errorf("receive %T: %w", none, err)
	}
	return e.conn.Recv()
}

// Poll waits for up to d until Recv has something to return, be it [io.EOF], and reports whether it
// has. If d is 0 it does not wait; if d is negative it waits without limit. If another goroutine is
// in Recv, Poll waits for that first. Poll returns when the beginning of a large value has arrived:
// Recv may still have to wait for the rest. To wait for several ends, or for other things too, see
// [PipeEnd.Arrival].
func (e *PipeEnd[T]) Poll(d time.Duration) (bool, error) {
	e.check()
	if err := e.pipe.may(receives); err != nil {
		return false, fmt.Errorf("poll: %w", err)
	}
	e.conn.receiving.Lock()
	defer e.conn.receiving.Unlock()
	return e.poll(d)
}

func (e *PipeEnd[T]) poll(d time.Duration) (bool, error) {
	if e.conn.in.end > e.conn.in.start {
		return true, nil
	}
	ready, err := e.pipe.Poll(d)
	if err != nil {
		err = fmt.Errorf("poll: %w", err)
	}
	return ready, err
}

// SetDeadline sets when Send and Recv, including those under way, stop waiting and return an error
// that wraps [os.ErrDeadlineExceeded]; the zero time means never. A Recv that gives up before a
// value has begun to arrive leaves the end as it was. A Recv or Send that gives up in the middle of
// a value leaves the end unusable in that direction.
func (e *PipeEnd[T]) SetDeadline(t time.Time) error {
	e.check()
	if err := pipeError(e.pipe.SetDeadline(t)); err != nil {
		return fmt.Errorf("set the deadline of a pipe: %w", err)
	}
	return nil
}

// Close closes this end in this process. When no other process has the end either, the other end
// receives what was sent and then [io.EOF]. Calls under way return an error. Close may be called
// more than once.
func (e *PipeEnd[T]) Close() error {
	e.check()
	return e.conn.Close()
}

// pipeError translates an error of a stream for the user of a pipe.
func pipeError(err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return ErrClosed
	case err == io.ErrClosedPipe:
		return errOtherGone
	}
	return err
}
