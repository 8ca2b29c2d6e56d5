package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

// A PipeEnd is one of two ends, in one process or in two: what one sends the other receives, in order and one by one. It is
// made by [Pipe] or [OneWayPipe] and used by pointer; all methods are safe for concurrent use.
//
// An end is sent to another process of the tree like any value, before it is used here; that needs Linux. Both processes
// have it then: the sender closes its own when the receiver has got it, as in Python. For as long as it does not, the
// other end does not notice when the receiver is gone.
type PipeEnd[T any] struct {
	conn  *Conn[T]
	files *pipeFiles
}

// pipeFiles are the stream of an end; one that goes one way has one file only.
type pipeFiles struct {
	in, out *os.File
	gone    bool // there was nobody to write to from the beginning
	eager   eagerReader

	mu       sync.Mutex // guards deadline
	deadline time.Time
}

// Pipe makes a pipe that goes both ways. A T that cannot travel is a [TypeError]. Where much is sent at once and nothing
// received, Send blocks at both ends: somebody must receive.
func Pipe[T any]() (a, b *PipeEnd[T], err error) {
	there, back, err := twoPipes()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return newEnds[T](&pipeFiles{in: back.in, out: there.out}, &pipeFiles{in: there.in, out: back.out})
}

// OneWayPipe is [Pipe] for one that goes from writer to reader only.
func OneWayPipe[T any]() (reader, writer *PipeEnd[T], err error) {
	p, err := onePipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return newEnds[T](&pipeFiles{in: p.in}, &pipeFiles{out: p.out})
}

func onePipe() (*pipeFiles, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	enlarge(w)
	return &pipeFiles{in: r, out: w}, nil
}

func twoPipes() (there, back *pipeFiles, err error) {
	if there, err = onePipe(); err != nil {
		return nil, nil, err
	}
	if back, err = onePipe(); err != nil {
		_ = there.Close()
	}
	return there, back, err
}

func newEnds[T any](f, g *pipeFiles) (a, b *PipeEnd[T], err error) {
	a, err = newEnd[T](f)
	if err == nil {
		b, err = newEnd[T](g)
	}
	if err != nil {
		_, _ = f.Close(), g.Close()
		return nil, nil, err
	}
	return a, b, nil
}

func newEnd[T any](f *pipeFiles) (*PipeEnd[T], error) {
	conn, err := NewConn[T](f, 0)
	if err != nil {
		return nil, err
	}
	return &PipeEnd[T]{conn, f}, nil
}

var (
	errSendsOnly    = errors.New("this end of the pipe only sends")
	errReceivesOnly = errors.New("this end of the pipe only receives")
	errOtherGone    = fmt.Errorf("the other end was closed, or its process has ended: %w", io.ErrClosedPipe)
)

// Read reads from the other end.
func (f *pipeFiles) Read(p []byte) (int, error) {
	if f.in == nil {
		return 0, errSendsOnly
	}
	n, err := f.eager.read(f.in, p)
	if errors.Is(err, os.ErrClosed) {
		err = ErrClosed
	}
	return n, err
}

// Write writes to the other end.
func (f *pipeFiles) Write(p []byte) (int, error) {
	if f.gone {
		return 0, errOtherGone
	}
	if f.out == nil {
		return 0, errReceivesOnly
	}
	n, err := f.out.Write(p)
	switch {
	case errors.Is(err, os.ErrClosed):
		err = ErrClosed
	case isBroken(err):
		err = errOtherGone
	}
	return n, err
}

// Close closes both files.
func (f *pipeFiles) Close() (err error) {
	for _, file := range []*os.File{f.in, f.out} {
		if file == nil {
			continue
		}
		if e := file.Close(); e != nil && !errors.Is(e, os.ErrClosed) {
			err = e
		}
	}
	return err
}

func (f *pipeFiles) setDeadline(t time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	for _, file := range []*os.File{f.in, f.out} {
		if file != nil {
			if err := file.SetDeadline(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *PipeEnd[T]) check() {
	if e == nil || e.conn == nil {
		panic("transport: use of a PipeEnd's zero value: make two with Pipe, or get one from another process")
	}
}

// Send sends v, which may be changed as soon as Send returns. It blocks while the pipe is full, which takes some 64 KB or
// more. The error wraps [io.ErrClosedPipe] if the other end was closed or its process has ended, [ErrClosed] if this one was
// closed, and is a [SizeError] for more than [MaxBody] bytes. A value that cannot be encoded is an error after which the end
// goes on; after any other it is of no further use for sending.
func (e *PipeEnd[T]) Send(v T) error {
	e.check()
	return e.conn.Send(v)
}

// Recv waits for the next value. It returns [io.EOF] itself when the other end was closed or its process has ended, and all
// that it sent has been received. The error wraps [ErrClosed] if this end was closed, and [io.ErrUnexpectedEOF] if the
// sender was killed in the middle of a value.
func (e *PipeEnd[T]) Recv() (T, error) {
	e.check()
	return e.conn.Recv()
}

// Poll waits for up to d until Recv has something to return, be it [io.EOF], and reports whether it has. It does not wait if
// d is 0, and without end if it is negative. While another goroutine is in Recv, it waits for that first. Of a large value it
// notices the beginning: Recv may still wait for the rest.
func (e *PipeEnd[T]) Poll(d time.Duration) (bool, error) {
	e.check()
	e.conn.receiving.Lock()
	defer e.conn.receiving.Unlock()
	f, in := e.files, e.conn.in
	if in.end > in.start {
		return true, nil
	}
	if f.in == nil {
		return false, fmt.Errorf("poll: %w", errSendsOnly)
	}
	ready, err := readable(f.in)
	if d == 0 {
		d = moment
	}
	if err == nil && !ready && d != 0 {
		ready, err = f.await(in, d)
	}
	if errors.Is(err, os.ErrClosed) {
		err = ErrClosed
	}
	if err != nil {
		err = fmt.Errorf("poll: %w", err)
	}
	return ready, err
}

// await waits for something to read, and reads it.
func (f *pipeFiles) await(in *Reader, d time.Duration) (bool, error) {
	f.mu.Lock()
	until := f.deadline
	if d > 0 {
		if t := time.Now().Add(d); until.IsZero() || t.Before(until) {
			until = t
		}
	}
	err := f.in.SetReadDeadline(until)
	f.mu.Unlock()
	if err != nil {
		return false, err
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = f.in.SetReadDeadline(f.deadline) // it fails only for a closed file
	}()
	switch err := in.fill(1); {
	case err == nil || err == io.EOF:
		return true, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return false, nil
	default:
		return false, err
	}
}

// SetDeadline sets when Send and Recv give up, also those under way, with an error that wraps [os.ErrDeadlineExceeded]; zero
// is never. A Recv that gives up before anything of a value has come leaves the end as it was; one that does so in the middle
// of a value, or a Send that does, leaves it of no further use in that direction.
func (e *PipeEnd[T]) SetDeadline(t time.Time) error {
	e.check()
	if err := e.files.setDeadline(t); err != nil {
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

// EncodeMsgpack sends the end to another process of the tree: where it is found, as long as it is open here.
func (e *PipeEnd[T]) EncodeMsgpack(enc *msgpack.Encoder) error {
	e.check()
	in, err := placeOf(e.files.in)
	var out shm.Place
	if err == nil {
		out, err = placeOf(e.files.out)
	}
	if err != nil {
		return fmt.Errorf("send the end of a pipe: %w", err)
	}
	if err := enc.EncodeArrayLen(9); err != nil {
		return err
	}
	for _, n := range []uint64{typeHash[T](),
		uint64(in.PID), uint64(in.FD), in.Dev, in.Inode, uint64(out.PID), uint64(out.FD), out.Dev, out.Inode} {
		if err := enc.EncodeUint(n); err != nil {
			return err
		}
	}
	return nil
}

// DecodeMsgpack receives an end, which whoever received it closes. The error wraps [shared.ErrGone] if the sender has closed
// it or has ended. An end of another type is an error.
func (e *PipeEnd[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := e.decode(d); err != nil {
		return fmt.Errorf("receive the end of a pipe of %v: %w", reflect.TypeFor[T](), err)
	}
	return nil
}

func (e *PipeEnd[T]) decode(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err == nil && n != 9 {
		err = fmt.Errorf("an array of %d is no handle", n)
	}
	var h [9]uint64
	for i := range h {
		if err == nil {
			h[i], err = d.DecodeUint64()
		}
	}
	if err == nil && h[0] != typeHash[T]() {
		err = errors.New("it has another type: use the same type on both sides")
	}
	if err != nil {
		return err
	}
	f, err := openPipe(
		shm.Place{PID: int(h[1]), FD: int(h[2]), Dev: h[3], Inode: h[4]},
		shm.Place{PID: int(h[5]), FD: int(h[6]), Dev: h[7], Inode: h[8]})
	if err != nil {
		return err
	}
	end, err := newEnd[T](f)
	if err != nil {
		_ = f.Close()
		return err
	}
	*e = *end
	return nil
}

// openPipe opens the files of an end in the process that has it; a place of process 0 is none.
func openPipe(in, out shm.Place) (f *pipeFiles, err error) {
	f = &pipeFiles{}
	if in.PID != 0 {
		f.in, err = openEnd(in, os.O_RDONLY)
	}
	if err == nil && out.PID != 0 {
		f.out, err = openEnd(out, os.O_WRONLY)
		f.gone = err == errOtherGone
		if f.gone {
			err = nil
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
