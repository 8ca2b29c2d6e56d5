package proc

import (
	"sync"
	"time"
)

// A Stopwatch adds up for how long something has been going on, which may begin several times before it ends. It is safe
// for concurrent use.
type Stopwatch struct {
	mu    sync.Mutex
	begun int
	since time.Time // the first one that has not ended
	total time.Duration
}

// Start says that it begins. Stop must follow.
func (s *Stopwatch) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == 0 {
		s.since = time.Now()
	}
	s.begun++
}

// Stop says that it ends.
func (s *Stopwatch) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun--
	if s.begun == 0 {
		s.total += time.Since(s.since)
	}
}

// Running reports whether it is going on.
func (s *Stopwatch) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun > 0
}

// Total returns the time until now, a time that has just been.
func (s *Stopwatch) Total(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == 0 {
		return s.total
	}
	return s.total + max(now.Sub(s.since), 0)
}
