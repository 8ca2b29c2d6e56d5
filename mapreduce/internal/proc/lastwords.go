package proc

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A PipeReader is the reading end of a pipe that a worker writes to. It reads what lies in the pipe when the worker has
// ended, however slowly that is read, and whoever else, such as a process that escaped from the worker's group, still holds
// the other end.
type PipeReader struct {
	file *os.File
	late time.Duration // how long it waits, after that, for what others write

	looking func() // called before each attempt to read; may be nil

	mu   sync.Mutex // guards over and the deadline until then
	over bool       // the worker has ended

	last bool // Read knows that it is over; what follows is Read's
	rest int  // bytes of the worker that still lie in the pipe
}

// Read implements [io.Reader]. It fails with [os.ErrDeadlineExceeded] when the deadline has passed, or when the worker has
// ended and another process holds the pipe.
func (r *PipeReader) Read(b []byte) (int, error) {
	if !r.last {
		n, err := r.readFile(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !r.isOver() {
			return n, err
		}
		r.last, r.rest = true, Waiting(r.file)
		_ = r.file.SetReadDeadline(time.Time{})
		r.awaitOthers()
	}
	if r.rest == 0 {
		return r.readOthers(b)
	}
	n, err := r.readFile(b[:min(len(b), r.rest)])
	r.rest -= n
	r.awaitOthers()
	return n, err
}

// readOthers sees first what is there: a deadline that has passed would hide that there is no other process.
func (r *PipeReader) readOthers(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	err = os.ErrClosed
	control(r.file, func(fd int) { n, err = syscall.Read(fd, b) })
	switch {
	case n > 0:
		return n, nil
	case n == 0 && err == nil:
		return 0, io.EOF
	case errors.Is(err, syscall.EAGAIN):
		return r.file.Read(b)
	}
	return 0, err
}

// awaitOthers begins late when nothing of the worker is left.
func (r *PipeReader) awaitOthers() {
	if r.rest == 0 {
		_ = r.file.SetReadDeadline(time.Now().Add(r.late))
	}
}

// SetReadDeadline sets how long reads may take while the worker lives.
func (r *PipeReader) SetReadDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil
	}
	return r.file.SetReadDeadline(t)
}

// Close closes the pipe.
func (r *PipeReader) Close() error { return r.file.Close() }

// finish tells the reader that the worker has ended. The deadline wakes it up.
func (r *PipeReader) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	_ = r.file.SetReadDeadline(time.Unix(1, 0))
}

func (r *PipeReader) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// Waiting returns how many bytes lie in a pipe.
func Waiting(pipe *os.File) (n int) {
	control(pipe, func(fd int) { n, _ = unix.IoctlGetInt(fd, bytesWaiting) })
	return n
}
