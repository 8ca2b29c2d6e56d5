package stream

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// A File is a file of a [Bell]: an [os.File] in non-blocking mode, or a socket.
type File interface {
	io.ReadWriteCloser
	syscall.Conn
	SetReadDeadline(time.Time) error
}

// A Bell wakes the process at the other end, which has the other ends of the files. In and Out may
// be the same file.
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

// Close closes the files, of which Out may be closed already.
func (b *Bell) Close() error {
	err := b.In.Close()
	if b.Out == b.In {
		return err
	}
	if e := b.Out.Close(); !errors.Is(e, os.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// ring wakes the other process if it sleeps. A bell that is full of earlier rings wakes it as well,
// and if the other process is gone, the next read says so.
func (b *Bell) ring() { _ = b.rawOut.Control(writeByte) }

// gone reports whether the other process is gone. It does not block.
func (b *Bell) gone() (gone bool) {
	if err := b.rawIn.Control(func(fd uintptr) { gone = hungUp(fd) }); err != nil {
		return true
	}
	return gone
}

// sleepers are the goroutines of one end that wait for the bell. One of them reads it for all.
type sleepers struct {
	mu      sync.Mutex
	reading bool
	woken   chan struct{} // closed after a ring; nil: no other goroutine waits
}

// sleep waits for the bell, unless ready reports true. It calls ready again just before it sleeps,
// so that no ring is missed. It may also return for no reason. It returns [io.EOF] when the other
// process is gone.
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
	if errors.Is(err, syscall.ECONNRESET) { // the other process did not read the last rings
		return io.EOF
	}
	return err
}

// wake makes the other goroutines look again, and one of them read the bell.
func (s *sleepers) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.woken != nil {
		close(s.woken)
		s.woken = nil
	}
}
