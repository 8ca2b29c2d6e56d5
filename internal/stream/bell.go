package stream

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// A File is one of a [Bell]: an [os.File] that does not block, or a socket.
type File interface {
	io.ReadWriteCloser
	syscall.Conn
	SetReadDeadline(time.Time) error
}

// A Bell wakes the process at the other end, which has the other ends of its files. The two may be one.
type Bell struct {
	In, Out File

	rawIn, rawOut syscall.RawConn
}

func (b *Bell) open() (err error) {
	if b.rawIn, err = b.In.SyscallConn(); err == nil {
		b.rawOut, err = b.Out.SyscallConn()
	}
	return err
}

// Close closes the files.
func (b *Bell) Close() error {
	err := b.In.Close()
	if b.Out != b.In {
		err = errors.Join(err, b.Out.Close())
	}
	return err
}

// ring wakes the other process if it sleeps. That the bell is full of earlier rings is as good, and that nobody is there any
// more the next read tells.
func (b *Bell) ring() { _ = b.rawOut.Control(writeByte) }

// gone reports whether the other process is. It does not block.
func (b *Bell) gone() (gone bool) {
	if err := b.rawIn.Control(func(fd uintptr) { gone = hungUp(fd) }); err != nil {
		return true
	}
	return gone
}

// sleepers are the goroutines of one end that wait for the bell. One of them reads it, for all.
type sleepers struct {
	mu      sync.Mutex
	reading bool
	woken   chan struct{} // closed when it has rung; nil: nobody else waits
}

// sleep waits for the bell unless ready, which is asked again when it must be true if the bell has rung for the last time. It may
// also return for no reason. It returns [io.EOF] when the other process is gone.
func (s *sleepers) sleep(in File, ready func() bool) error {
	s.mu.Lock()
	if s.reading {
		if s.woken == nil {
			s.woken = make(chan struct{})
		}
		woken := s.woken
		s.mu.Unlock()
		if !ready() {
			<-woken
		}
		return nil
	}
	s.reading = true
	s.mu.Unlock()
	defer s.wake()
	if ready() {
		return nil
	}
	var rings [64]byte
	_, err := in.Read(rings[:])
	if errors.Is(err, syscall.ECONNRESET) { // it has not heard the last rings
		return io.EOF
	}
	return err
}

// wake has the others look, and one of them read.
func (s *sleepers) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.woken != nil {
		close(s.woken)
		s.woken = nil
	}
}
