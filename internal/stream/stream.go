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

// words are at the beginning of a stream's region; the bytes of both lanes follow.
type words struct {
	lanes [2]laneWords // the first goes from side 0 to side 1
	ends  [2]endWords
}

// endWords are what is known of one end.
type endWords struct {
	user   shm.Word64 // who uses it, see [Stream.Claim]; 0: nobody
	closed shm.Word   // how often it was closed, in whichever process
	_      [116]byte
}

const headSize = 4096

var _ [headSize - unsafe.Sizeof(words{})]byte

// NewRegion makes the memory of a stream with size bytes for each way, a power of two.
func NewRegion(size int) (*shm.Region, error) {
	return shm.NewRegion("mrrun stream", headSize+2*int64(size))
}

// A Stream is one end: a byte stream both ways. Its methods are safe for concurrent use, and one process at a time may use
// them: see [Stream.Claim].
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

	claimed atomic.Uint64 // who has claimed the end here
	closed  atomic.Bool
	cleanup runtime.Cleanup // unmaps what nobody has closed

	timing   sync.Mutex // guards deadline, and that of the bell
	deadline time.Time

	deaths  *shm.Word // changes when a process has ended; nil: nobody counts
	endings uint32    // what was known of endings when the other process was there last; guarded by writing
}

// Open makes the end of a side, 0 or 1, that has the region and the bell from then on. deaths is a word that changes whenever
// a process has ended that may have the other end, or nil.
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
	lane0, lane1 := lane{laneWords: &s.lanes[0], mem: data[:size:size]}, lane{laneWords: &s.lanes[1], mem: data[size:]}
	if side == 0 {
		s.out, s.in = lane0, lane1
	} else {
		s.in, s.out = lane0, lane1
	}
	s.endings = s.endingsNow() - 1 // so that the first Write looks
	s.cleanup = runtime.AddCleanup(s, func(r *shm.Region) { _ = r.Close() }, region)
	return s, nil
}

// Claim makes who, a number that is not 0, the only user of the end, and returns the user that there is afterwards: another one
// that is alive stays. It is called before Read and Write where several processes may have the end. Close ends it.
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

// Write puts all of p in. It blocks while there is no room, and tells the other side of what it has put in before it does.
// The error is [io.ErrClosedPipe] when the other process is gone, [os.ErrClosed] after Close, or [os.ErrDeadlineExceeded].
func (s *Stream) Write(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	raceRelease()
	for {
		if s.closed.Load() {
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

// TryWrite puts in what there is room for, and returns how much that was. It neither waits for room nor for another Write.
func (s *Stream) TryWrite(p []byte) (n int) {
	if !s.writing.TryLock() {
		return 0
	}
	defer s.writing.Unlock()
	if s.closed.Load() {
		return 0
	}
	raceRelease()
	for n < len(p) {
		k, _ := s.put(p[n:]) // an error is what Write returns, too
		if k == 0 {
			break
		}
		n += k
	}
	return n
}

// put puts in what there is room for, or a part of it, and wakes the other process if that sleeps for it.
func (s *Stream) put(p []byte) (n int, err error) {
	n, err = s.out.put(p)
	if n > 0 && s.out.wantsData.Load() != 0 && s.out.wantsData.CompareAndSwap(1, 0) {
		s.bell.ring()
	}
	return n, err
}

// isGone reports whether the other process is. It is two loads, unless somebody has closed an end or has ended since the last
// time.
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

// Read takes out what is there. It blocks while nothing is. The error is [io.EOF] when all was taken that a process has put in
// that is gone, [os.ErrClosed] after Close, or [os.ErrDeadlineExceeded].
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
		if err := s.wait(&s.inWatch, &s.in.wantsData, s.mayRead); err != nil && !(err == io.EOF && s.in.hasData()) {
			return 0, err
		}
	}
}

func (s *Stream) mayWrite() bool { return s.out.hasRoom() || s.closed.Load() }

func (s *Stream) mayRead() bool { return s.in.hasData() || s.closed.Load() }

// wait blocks until ready reports true, first looking and then sleeping. It may also return for no reason.
func (s *Stream) wait(w *watch, wants *shm.Word, ready func() bool) error {
	if w.look(ready) {
		return nil
	}
	wants.Store(1)
	err := s.sleepers.sleep(s.bell.In, ready)
	wants.Store(0)
	if errors.Is(err, os.ErrDeadlineExceeded) && !s.isLate() {
		return nil // it was the end of a Poll
	}
	return err
}

func (s *Stream) isLate() bool {
	s.timing.Lock()
	defer s.timing.Unlock()
	return !s.deadline.IsZero() && !time.Now().Before(s.deadline)
}

// Poll waits for up to d until Read does not block, and reports whether that is so: not at all if d is 0, and without end if it
// is negative. At the deadline it reports false.
func (s *Stream) Poll(d time.Duration) (bool, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if d == 0 && !s.closed.Load() {
		return s.in.hasData() || s.bell.gone(), nil
	}
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
		s.setBell(until)
		defer s.setBell(time.Time{})
	}
	for {
		if s.closed.Load() {
			return false, os.ErrClosed
		}
		if s.in.hasData() {
			return true, nil
		}
		switch err := s.wait(&s.inWatch, &s.in.wantsData, s.mayRead); {
		case err == io.EOF:
			return true, nil
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && d > 0 && !time.Now().Before(until) && !s.in.hasData():
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// AwaitEnd returns when the other process is gone, with [io.EOF], when Close was called or at the deadline. While it waits others
// sleep a little longer.
func (s *Stream) AwaitEnd() error {
	for !s.closed.Load() {
		err := s.sleepers.sleep(s.bell.In, s.closed.Load)
		if err != nil && (s.isLate() || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return os.ErrClosed
}

// setBell has a sleeping goroutine wake up at until, if that is before the deadline; zero is never.
func (s *Stream) setBell(until time.Time) {
	s.timing.Lock()
	defer s.timing.Unlock()
	if until.IsZero() || !s.deadline.IsZero() && s.deadline.Before(until) {
		until = s.deadline
	}
	_ = s.bell.In.SetReadDeadline(until) // it fails only for a closed file
}

// SetDeadline sets when Read and Write give up that have to wait, also those under way; zero is never.
func (s *Stream) SetDeadline(t time.Time) error {
	s.timing.Lock()
	defer s.timing.Unlock()
	s.deadline = t
	return s.bell.In.SetReadDeadline(t)
}

// Close closes the end in this process: when no other process has it either, the other side reads what was put in and then
// [io.EOF]. Calls under way return an error. It may be called more than once.
func (s *Stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.bell.Close()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	own := &s.ends[s.side]
	own.closed.Add(1) // now that its files are closed
	if who := s.claimed.Load(); who != 0 {
		own.user.CompareAndSwap(who, 0)
	}
	s.cleanup.Stop()
	return errors.Join(err, s.region.Close())
}
