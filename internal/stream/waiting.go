package stream

import (
	"errors"
	"io"
	"os"
	"time"

	"mrrun/internal/shm"
)

func (s *Stream) mayWrite() bool { return s.out.hasRoom() || s.closed.Load() || s.noMore.Load() }

func (s *Stream) mayRead() bool { return s.mayPoll() || s.interrupted.Load() }

func (s *Stream) mayPoll() bool { return s.in.hasData() || s.closed.Load() }

// wait blocks until ready reports true: it spins first and then sleeps. It may also return for no
// reason.
func (s *Stream) wait(w *watch, wants *shm.Word, ready func() bool) error {
	if w.spin(ready) {
		return nil
	}
	wants.Store(1)
	err := s.sleepers.sleep(s.bell.In, ready)
	wants.Store(0)
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case !s.isLate():
		return nil // a Poll ended, or an Interrupt came
	case s.bell.gone(): // which the deadline would hide
		return io.EOF
	}
	return err
}

// isLate reports whether the deadline has passed. It is called when the deadline of the bell has
// ended a sleep.
func (s *Stream) isLate() bool {
	s.timing.Lock()
	defer s.timing.Unlock()
	if s.kicked {
		s.kicked = false
		_ = s.timeBell() // it fails only for a closed file
	}
	return !s.deadline.IsZero() && !time.Now().Before(s.deadline)
}

// Poll waits for up to d until Read would not block, and reports whether that is so. If d is 0 it
// does not wait; if d is negative it waits without limit. It reports false at the deadline of the
// stream.
func (s *Stream) Poll(d time.Duration) (bool, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if d == 0 && !s.closed.Load() {
		return s.in.hasData() || s.bell.gone(), nil
	}
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
		s.setPoll(until)
		defer s.setPoll(time.Time{})
	}
	for {
		if s.closed.Load() {
			return false, os.ErrClosed
		}
		if s.in.hasData() {
			return true, nil
		}
		switch err := s.wait(&s.inWatch, &s.in.wantsData, s.mayPoll); {
		case err == io.EOF:
			return true, nil
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && d > 0 && !time.Now().Before(until) && !s.in.hasData():
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// AwaitEnd waits until the other process is gone, and then returns [io.EOF], until Close, or until
// the deadline. While it waits, other goroutines that sleep may be woken a little later.
func (s *Stream) AwaitEnd() error {
	for !s.closed.Load() {
		err := s.sleepers.sleep(s.bell.In, s.closed.Load)
		if err != nil && (s.isLate() || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return os.ErrClosed
}

// timeBell sets when a sleeping goroutine must wake up. The caller must hold timing.
func (s *Stream) timeBell() error {
	until := s.deadline
	if !s.pollUntil.IsZero() && (until.IsZero() || s.pollUntil.Before(until)) {
		until = s.pollUntil
	}
	if s.kicked {
		until = time.Unix(1, 0)
	}
	return s.bell.In.SetReadDeadline(until)
}

func (s *Stream) setPoll(until time.Time) {
	s.timing.Lock()
	defer s.timing.Unlock()
	s.pollUntil = until
	_ = s.timeBell() // it fails only for a closed file
}

// Interrupt makes the waiting Read give up, or if none waits, the next one that would have to wait.
// No bytes are lost.
func (s *Stream) Interrupt() {
	s.interrupted.Store(true)
	s.kick()
}

// kick makes the sleeping goroutines look again.
func (s *Stream) kick() {
	s.timing.Lock()
	defer s.timing.Unlock()
	s.kicked = true
	_ = s.timeBell() // it fails only for a closed file
}

// SetDeadline sets when Read and Write, including those under way, stop waiting; the zero time
// means never.
func (s *Stream) SetDeadline(t time.Time) error {
	s.timing.Lock()
	defer s.timing.Unlock()
	s.deadline = t
	return s.timeBell()
}
