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

// A PipeReader is the reading end of a pipe that a worker writes to. When the worker has ended, it
// reads what is left in the pipe, however slowly, even if another process still holds the other
// end, such as one that escaped from the worker's group.
type PipeReader struct {
	file *os.File
	late time.Duration // how long it then waits for what other processes write

	looking func() // called before each attempt to read; may be nil

	mu    sync.Mutex // guards the following, and the deadline until the worker has ended
	over  bool       // the worker has ended
	woken bool       // wake was called, and resume was not

	last bool // Read has seen that the worker has ended; the following fields belong to Read
	rest int  // bytes of the worker that are still in the pipe
}

// Read implements [io.Reader]. The error is [os.ErrDeadlineExceeded] if the deadline has passed, or
// if the worker has ended and another process holds the pipe.
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

// readOthers first reads what is there: an expired deadline would hide that there is no other
// process.
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

// awaitOthers sets the deadline for other processes when nothing of the worker is left.
func (r *PipeReader) awaitOthers() {
	if r.rest == 0 {
		_ = r.file.SetReadDeadline(time.Now().Add(r.late))
	}
}

// SetReadDeadline sets the deadline of reads while the worker lives.
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

// finish tells the reader that the worker has ended. The deadline wakes the reader.
func (r *PipeReader) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	_ = r.file.SetReadDeadline(time.Unix(1, 0))
}

// wake lets a Read that waits return [os.ErrDeadlineExceeded], after which resume must be called.
func (r *PipeReader) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.woken = true
	if !r.over {
		_ = r.file.SetReadDeadline(time.Unix(1, 0))
	}
}

// resume reports whether Read returned because of wake, and lets the next one wait again.
func (r *PipeReader) resume() (woken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	woken, r.woken = r.woken, false
	if woken && !r.over {
		_ = r.file.SetReadDeadline(time.Time{})
	}
	return woken
}

func (r *PipeReader) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// Waiting returns how many bytes are in a pipe.
func Waiting(pipe *os.File) (n int) {
	control(pipe, func(fd int) { n, _ = unix.IoctlGetInt(fd, bytesWaiting) })
	return n
}
