package proc

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Ctrl-Z at the terminal, like Ctrl-C, reaches only the driver: it passes the stop on to its
// workers, which pass it on to theirs, and continues them when it continues itself.

// living are the workers that this process has started and that have not ended.
var living = livingSet{all: make(map[*Process]bool)}

type livingSet struct {
	mu    sync.Mutex
	all   map[*Process]bool
	stops chan os.Signal // SIGTSTP, while there are workers; nil: this process ignores the signal
}

func (s *livingSet) add(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 && !ignoresStop() {
		s.stops = make(chan os.Signal, 1)
		signal.Notify(s.stops, syscall.SIGTSTP)
		go s.passOn(s.stops)
	}
	s.all[p] = true
}

func (s *livingSet) remove(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, p)
	if len(s.all) == 0 && s.stops != nil {
		signal.Stop(s.stops)
		close(s.stops)
		s.stops = nil
	}
}

// passOn stops the workers, and then this process, at each stop signal. It continues the workers
// when this process continues.
func (s *livingSet) passOn(stops <-chan os.Signal) {
	for range stops {
		stopped := s.suspend()
		stopAsUsual()
		for _, p := range stopped {
			_ = p.Signal(syscall.SIGCONT, true) // an error means that it has ended
		}
	}
}

// suspend stops the workers that are running, and returns them.
func (s *livingSet) suspend() (stopped []*Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.all {
		if !p.stopped.Running() && p.Signal(syscall.SIGTSTP, true) == nil {
			stopped = append(stopped, p)
		}
	}
	return stopped
}
