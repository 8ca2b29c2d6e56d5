package proc

import (
	"io"
	"os"
	"sync"
	"time"

	rings "mrrun/internal/stream"
)

// Requests carries frames to a worker.
type Requests interface {
	io.Writer

	// TryWrite writes as much as it can without waiting, and returns how many bytes that was.
	TryWrite(b []byte) int

	// Close lets the worker read what was written, and then [io.EOF]. A Write under way returns an
	// error.
	Close() error
}

// Answers carries frames from a worker. When the worker has ended, a Read returns what it wrote and
// then an error, which is not always [io.EOF].
type Answers interface {
	io.Reader

	// SetReadDeadline sets the deadline of reads while the worker lives.
	SetReadDeadline(t time.Time) error

	// Close closes both ways.
	Close() error

	finish() // the worker has ended
}

// connect makes the pipes and the memory. It returns the worker's ends of the pipes, which the
// caller must close even after an error.
func (p *Process) connect() (theirs []*os.File, err error) {
	requests, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.Requests, theirs = Pipe{w}, append(theirs, requests)
	r, answers, err := os.Pipe()
	if err != nil {
		return theirs, err
	}
	p.Answers, theirs = &PipeReader{file: r}, append(theirs, answers)
	memory, err := newMemory()
	if err != nil {
		return theirs, err
	}
	if memory.region == nil {
		p.Note = newNote(memory)
		return theirs, nil
	}
	s, err := rings.Open(memory.region, 0, rings.Bell{In: r, Out: w}, nil)
	if err != nil {
		_ = memory.region.Close()
		return theirs, err
	}
	p.Note = newNote(memory)
	p.Requests, p.Answers = ringRequests{s}, &ringAnswers{Stream: s}
	return theirs, nil
}

// ringRequests are requests through a ring.
type ringRequests struct{ *rings.Stream }

func (r ringRequests) Close() error { return r.CloseWrite() }

// ringAnswers are answers through a ring.
type ringAnswers struct {
	*rings.Stream

	mu   sync.Mutex // guards over, and the deadline until then
	over bool       // the worker has ended
}

func (a *ringAnswers) SetReadDeadline(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return nil
	}
	return a.SetDeadline(t)
}

// finish lets a Read return when nothing is left, even if another process holds the worker's pipes.
func (a *ringAnswers) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	_ = a.SetDeadline(time.Unix(1, 0))
}
