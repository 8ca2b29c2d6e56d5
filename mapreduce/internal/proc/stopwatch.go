package proc

import (
	"sync"
	"time"
)

// A Stopwatch adds up how long something has been going on. It may begin several times before it
// ends. A Stopwatch is safe for concurrent use.
type Stopwatch struct {
	mu    sync.Mutex
	begun int
	since time.Time // the first beginning that has not ended
	total time.Duration
}

// Start marks a beginning. Stop must follow.
func (s *Stopwatch) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == 0 {
		s.since = time.Now()
	}
	s.begun++
}

// Stop marks an end.
func (s *Stopwatch) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun--
	if s.begun == 0 {
		s.total += time.Since(s.since)
	}
}

// Running reports whether something has begun and not ended.
func (s *Stopwatch) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun > 0
}

// Total returns the time that has added up until now, the current time.
func (s *Stopwatch) Total(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == 0 {
		return s.total
	}
	return s.total + max(now.Sub(s.since), 0)
}
