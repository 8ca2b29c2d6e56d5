package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A PipeEnd is one of two ends, in one process or in two: what one sends the other receives, in order and one by one. It is
// made by [Pipe] or [OneWayPipe] and used by pointer; all methods are safe for concurrent use. What is sent lies in shared
// memory until it is received, also when the sender has ended meanwhile.
//
// An end is sent to another process of the tree like any value, before it is used here. Both processes have it then: the
// sender closes its own when the receiver has got it, as in Python. For as long as it does not, the other end does not
// notice when the receiver is gone. One process at a time uses an end, the first that does, until it closes it or ends: in
// another, Send and Recv return an error.
type PipeEnd[T any] struct {
	conn *Conn[T]
	pipe *pipe
}

// Pipe makes a pipe that goes both ways. A T that cannot travel is a [TypeError]; where there is no shared memory the error is
// [shared.ErrUnsupported]. Where much is sent at once and nothing received, Send blocks at both ends: somebody must receive.
func Pipe[T any]() (a, b *PipeEnd[T], err error) { return newPipe[T](sends|receives, sends|receives) }

// OneWayPipe is [Pipe] for one that goes from writer to reader only.
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
		panic("transport: use of a PipeEnd's zero value: make two with Pipe, or get one from another process")
	}
}

// Send sends v, which may be changed as soon as Send returns. It blocks while the pipe is full, which takes some 200 KB. The
// error wraps [io.ErrClosedPipe] if the other end was closed or its process has ended, [ErrClosed] if this one was closed, and
// is a [SizeError] for more than [MaxBody] bytes. A value that cannot be encoded is an error after which the end goes on;
// after any other it is of no further use for sending.
func (e *PipeEnd[T]) Send(v T) error {
	e.check()
	if err := e.pipe.may(sends); err != nil {
		return fmt.Errorf("send %T: %w", v, err)
	}
	return e.conn.Send(v)
}

// Recv waits for the next value. It returns [io.EOF] itself when the other end was closed or its process has ended, and all
// that it sent has been received. The error wraps [ErrClosed] if this end was closed, and [io.ErrUnexpectedEOF] if the
// sender was killed in the middle of a value.
func (e *PipeEnd[T]) Recv() (T, error) {
	e.check()
	if err := e.pipe.may(receives); err != nil {
		var none T
		return none, fmt.Errorf("receive %T: %w", none, err)
	}
	return e.conn.Recv()
}

// Poll waits for up to d until Recv has something to return, be it [io.EOF], and reports whether it has. It does not wait if
// d is 0, and without end if it is negative. While another goroutine is in Recv, it waits for that first. Of a large value it
// notices the beginning: Recv may still wait for the rest. To wait for several ends, or for other things too, see
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

// SetDeadline sets when Send and Recv give up that have to wait, also those under way, with an error that wraps
// [os.ErrDeadlineExceeded]; zero is never. A Recv that gives up before anything of a value has come leaves the end as it was;
// one that does so in the middle of a value, or a Send that does, leaves it of no further use in that direction.
func (e *PipeEnd[T]) SetDeadline(t time.Time) error {
	e.check()
	if err := pipeError(e.pipe.SetDeadline(t)); err != nil {
		return fmt.Errorf("set the deadline of a pipe: %w", err)
	}
	return nil
}

// Close closes this end, in this process: when no other process has it either, the other end receives what was sent and then
// [io.EOF]. Calls under way return an error. It may be called more than once.
func (e *PipeEnd[T]) Close() error {
	e.check()
	return e.conn.Close()
}

// pipeError says what an error of a stream means to who uses a pipe.
func pipeError(err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return ErrClosed
	case err == io.ErrClosedPipe:
		return errOtherGone
	}
	return err
}
