package flusher

import (
	"errors"
	"sync"
	"testing"
)

// A slow writer takes nothing without waiting.
type slow struct {
	quick   bool
	flushed chan struct{}
	err     error
}

func (s *slow) TryFlush() bool { return s.quick }

func (s *slow) Flush() error {
	s.flushed <- struct{}{}
	return s.err
}

func TestFlusher(t *testing.T) {
	broken := errors.New("broken")
	w := &slow{flushed: make(chan struct{}), err: broken}
	f := New(w)
	quit, failed := make(chan struct{}), make(chan error, 10)
	var running sync.WaitGroup
	running.Go(func() { f.Run(quit, func(err error) { failed <- err }) })
	for range 3 {
		f.Soon()
		<-w.flushed // Run waits here until then
		f.Later()
		<-w.flushed
		for range 2 {
			if err := <-failed; err != broken {
				t.Errorf("failed with %v", err)
			}
		}
	}
	w.quick = true
	f.Soon() // needs no Run
	close(quit)
	running.Wait()
	select {
	case <-f.asked:
		t.Error("what was written at once is left to Run")
	default:
	}
}
