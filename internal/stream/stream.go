package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"mrrun/internal/shm"
)

// words are the beginning of a stream's region; the bytes of both lanes follow.
type words struct {
	lanes [2]laneWords // the first goes from side 0 to side 1
	ends  [2]endWords
}

// endWords are the shared state of one end.
type endWords struct {
	user    shm.Word64 // the process that uses it, see [Stream.Claim]; 0: none
	closed  shm.Word   // how often the end was closed, in any process
	arrived shm.Word   // how often a process has opened the end after it was sent to it
	_       [112]byte
}

const (
	headSize = 4096

	// UserBytes is the offset in a region from which on its first page belongs to the stream's
	// user.
	UserBytes = 2048
)

var _ [UserBytes - unsafe.Sizeof(words{})]byte

// NewRegion makes the memory of a stream with size bytes for each way; size must be a power of two.
// A stream reserves the memory as it needs it.
func NewRegion(size int) (*shm.Region, error) {
	r, err := shm.NewRegion("mrrun stream", headSize+2*int64(size))
	if err != nil {
		return nil, err
	}
	if err := r.Reserve(0, headSize); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// A Stream is one end: a byte stream both ways. Its methods are safe for concurrent use. Only one
// process at a time may use an end, see [Stream.Claim].
type Stream struct {
	region *shm.Region
	bell   Bell
	side   int
	*words

	reading, writing sync.Mutex // guard a lane, a watch, and the mapping against Close
	in, out          lane
	inWatch          watch
	outWatch         watch
	sleepers         sleepers

	claimed atomic.Uint64   // the user that has claimed the end here
	closed  atomic.Bool     // this process must not use the end any more
	noMore  atomic.Bool     // CloseWrite was called
	shut    atomic.Bool     // and its files are closed
	cleanup runtime.Cleanup // unmaps the region if the stream is never closed

	interrupted atomic.Bool // a Read must give up
	timing      sync.Mutex  // guards the fields below, and the deadline of the bell
	deadline    time.Time
	pollUntil   time.Time // zero: no Poll is waiting
	kicked      bool      // the sleeping goroutines must look again

	deaths  *shm.Word // changes when a process has ended; nil: not counted
	endings uint32    // endingsNow when the other process was last seen; guarded by writing
}

// Open makes the end of side 0 or 1. The end owns the region and the bell from then on. deaths is a
// word that changes whenever a process that may have the other end has ended, or nil.
func Open(region *shm.Region, side int, bell Bell, deaths *shm.Word) (*Stream, error) {
	mem := region.Bytes()
	size := (len(mem) - headSize) / 2
	if size <= 0 || size&(size-1) != 0 || side&^1 != 0 {
		return nil, fmt.Errorf("open a stream: %w: it has %d bytes", ErrBroken, len(mem))
	}
	if err := bell.open(); err != nil {
		return nil, err
	}
	s := &Stream{region: region, bell: bell, side: side, deaths: deaths, words: (*words)(unsafe.Pointer(unsafe.SliceData(mem)))}
	data := mem[headSize:]
	lane0 := lane{laneWords: &s.lanes[0], region: region, at: headSize, mem: data[:size:size]}
	lane1 := lane{laneWords: &s.lanes[1], region: region, at: headSize + size, mem: data[size:]}
	if side == 0 {
		s.out, s.in = lane0, lane1
	} else {
		s.in, s.out = lane0, lane1
	}
	s.endings = s.endingsNow() - 1 // so that the first Write checks
	s.cleanup = runtime.AddCleanup(s, func(r *shm.Region) { _ = r.Close() }, region)
	return s, nil
}

// Claim makes who, which must not be 0, the only user of the end, unless another user has it that
// is alive; it returns the user that has it afterwards. If several processes may have the end, call
// Claim before Read and Write. Close and Leave give the claim up.
func (s *Stream) Claim(who uint64, alive func(uint64) bool) uint64 {
	if s.claimed.Load() == who {
		return who
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for !s.closed.Load() {
		user := &s.ends[s.side].user
		by := user.Load()
		if by != 0 && alive(by) {
			return by
		}
		if user.CompareAndSwap(by, who) {
			s.claimed.Store(who)
			break
		}
	}
	return who
}

// Write puts all of p in. It blocks while there is no room, but first tells the other side what it
// has put in. The error is [io.ErrClosedPipe] if the other process is gone, [os.ErrClosed] after
// Close or CloseWrite, or [os.ErrDeadlineExceeded].
func (s *Stream) Write(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	raceRelease()
	for {
		if s.closed.Load() || s.noMore.Load() {
			return n, os.ErrClosed
		}
		if s.isGone() {
			return n, io.ErrClosedPipe
		}
		k, err := s.put(p[n:])
		n += k
		if n == len(p) || err != nil {
			return n, err
		}
		if k > 0 {
			continue
		}
		if err := s.wait(&s.outWatch, &s.out.wantsRoom, s.mayWrite); err == io.EOF {
			return n, io.ErrClosedPipe
		} else if err != nil {
			return n, err
		}
	}
}

// TryWrite puts in as many bytes of p as there is room for, and returns how many. It waits neither
// for room nor for another Write.
func (s *Stream) TryWrite(p []byte) (n int) {
	if !s.writing.TryLock() {
		return 0
	}
	defer s.writing.Unlock()
	if s.closed.Load() || s.noMore.Load() {
		return 0
	}
	raceRelease()
	for n < len(p) {
		k, _ := s.put(p[n:]) // Write returns the error, if it stays
		if k == 0 {
			break
		}
		n += k
	}
	return n
}

// put puts in as many bytes of p as there is room for, or fewer, and wakes the other process if it
// sleeps for them.
func (s *Stream) put(p []byte) (n int, err error) {
	n, err = s.out.put(p)
	if n > 0 && s.out.wantsData.Load() != 0 && s.out.wantsData.CompareAndSwap(1, 0) {
		s.bell.ring()
	}
	return n, err
}

// isGone reports whether the other process is gone. It costs two loads, unless the other end was
// closed somewhere or a process has ended since the last call.
func (s *Stream) isGone() bool {
	now := s.endingsNow()
	if now == s.endings {
		return false
	}
	if s.bell.gone() {
		return true
	}
	s.endings = now
	return false
}

func (s *Stream) endingsNow() uint32 {
	n := s.ends[1-s.side].closed.Load()
	if s.deaths != nil {
		n += s.deaths.Load()
	}
	return n
}

// Read takes out what is there. It blocks while there is nothing. The error is [io.EOF] when the
// other process is gone and all that it put in was taken out, [os.ErrClosed] after Close, or
// [os.ErrDeadlineExceeded], which Interrupt causes too.
func (s *Stream) Read(p []byte) (n int, err error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		if s.closed.Load() {
			return 0, os.ErrClosed
		}
		n, err := s.in.take(p)
		if n > 0 && s.in.wantsRoom.Load() != 0 && s.in.hasRoom() && s.in.wantsRoom.CompareAndSwap(1, 0) {
			s.bell.ring()
		}
		if n > 0 || len(p) == 0 || err != nil {
			raceAcquire()
			return n, err
		}
		if s.interrupted.Load() && s.interrupted.Swap(false) {
			return 0, os.ErrDeadlineExceeded
		}
		// What ends the wait may have come just behind the last bytes.
		if err := s.wait(&s.inWatch, &s.in.wantsData, s.mayRead); err != nil && !s.in.hasData() {
			return 0, err
		}
	}
}

// Arrived returns a word that counts how often a process has opened this end after it was sent to
// it. The process that opens it must add one.
func (s *Stream) Arrived() *shm.Word { return &s.ends[s.side].arrived }

// Closed reports whether Close or Leave was called.
func (s *Stream) Closed() bool { return s.closed.Load() }

// CloseWrite closes the file by which this end rings, which must not be that of its own bell. The
// other side then reads what was put in, and then [io.EOF]; it cannot wait for room any more. A
// Write under way returns [os.ErrClosed]. Reading goes on.
func (s *Stream) CloseWrite() error {
	if s.noMore.Swap(true) {
		return nil
	}
	err := s.bell.Out.Close()
	s.kick()
	return err
}

// Leave ends the use of the end in this process, as Close does, but its files stay open until
// Close, which must follow. So the other side does not see it as closed, and other processes may
// open it.
func (s *Stream) Leave() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.bell.In.SetReadDeadline(time.Unix(1, 0)) // wakes the goroutine that waits for it
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if who := s.claimed.Load(); who != 0 {
		s.ends[s.side].user.CompareAndSwap(who, 0)
	}
	return err
}

// Close closes the end in this process. When no other process has the end either, the other side
// reads what was put in and then [io.EOF]. Calls under way return an error. Close may be called
// more than once.
func (s *Stream) Close() error {
	if s.shut.Swap(true) {
		return nil
	}
	s.closed.Store(true)
	err := s.bell.Close()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	own := &s.ends[s.side]
	own.closed.Add(1) // its files are closed by now
	if who := s.claimed.Load(); who != 0 {
		own.user.CompareAndSwap(who, 0)
	}
	s.cleanup.Stop()
	return errors.Join(err, s.region.Close())
}
