package transport

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/internal/shm"
	"mrrun/internal/stream"
)

// A pipe is an end without its type: a stream, and what other processes need to find it.
type pipe struct {
	*stream.Stream
	self   *shm.Process
	mode   pipeMode
	side   int
	user   uint64 // claims the end: the tag of this process, and a number
	region *shm.Region
	bell   stream.Bell

	mu      sync.Mutex
	arrival *Arrival // the one that is waited for
}

type pipeMode int

const (
	sends pipeMode = 1 << iota
	receives
)

// pipeSize is how many bytes of memory a pipe has for each way.
const pipeSize = 256 << 10

// makePipe makes both ends.
func makePipe(modeA, modeB pipeMode) (a, b *pipe, err error) {
	self, err := shm.Self()
	if err != nil {
		return nil, nil, err
	}
	regionA, regionB, err := makeRegion()
	if err != nil {
		return nil, nil, err
	}
	var files [4]*os.File // what A reads and B writes, then what B reads and A writes
	defer func() {
		if err == nil {
			return
		}
		for _, f := range files {
			f.Close() // closing nil only returns an error
		}
		_, _ = regionA.Close(), regionB.Close()
	}()
	for i := 0; i < 4; i += 2 {
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			return nil, nil, err
		}
	}
	if a, err = newPipeEnd(self, regionA, stream.Bell{In: files[0], Out: files[3]}, modeA, 0); err != nil {
		return nil, nil, err
	}
	if b, err = newPipeEnd(self, regionB, stream.Bell{In: files[2], Out: files[1]}, modeB, 1); err != nil {
		return nil, nil, err
	}
	return a, b, nil
}

// makeRegion makes the memory of a pipe and maps it twice, since each end unmaps its own mapping.
func makeRegion() (a, b *shm.Region, err error) {
	if a, err = stream.NewRegion(pipeSize); err != nil {
		return nil, nil, err
	}
	place, err := a.Place()
	if err == nil {
		b, err = place.Find()
	}
	if err != nil {
		_ = a.Close()
	}
	return a, b, err
}

var lastUser atomic.Uint32

func newPipeEnd(self *shm.Process, region *shm.Region, bell stream.Bell, mode pipeMode, side int) (*pipe, error) {
	s, err := stream.Open(region, side, bell, self.Table().Deaths())
	if err != nil {
		return nil, err
	}
	return &pipe{
		Stream: s, self: self, mode: mode, side: side, region: region, bell: bell,
		user: uint64(self.Tag())<<32 | uint64(lastUser.Add(1)),
	}, nil
}

// Read reads what the other end wrote.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.Stream.Read(b)
	return n, pipeError(err)
}

// Write writes for the other end to read.
func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.Stream.Write(b)
	return n, pipeError(err)
}

// Poll waits for up to d until Read would not block, and reports whether that is so.
func (p *pipe) Poll(d time.Duration) (bool, error) {
	ready, err := p.Stream.Poll(d)
	return ready, pipeError(err)
}

// may returns an error unless the end goes that way and no other process uses it.
func (p *pipe) may(do pipeMode) error {
	if p.mode&do == 0 {
		if do == sends {
			return errReceivesOnly
		}
		return errSendsOnly
	}
	by := p.Claim(p.user, p.alive)
	if by == p.user {
		return nil
	}
	if tag := shm.Tag(by >> 32); tag != p.self.Tag() {
		return fmt.Errorf("process %d is using this end of the pipe and must close it first", p.self.Table().PID(tag))
	}
	return errors.New("another copy of this end of the pipe is used in this process: it must be closed first")
}

func (p *pipe) alive(user uint64) bool { return p.self.Table().Alive(shm.Tag(user >> 32)) }
