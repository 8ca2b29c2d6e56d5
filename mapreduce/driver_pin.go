package mapreduce

import (
	"runtime"
	"sync"
)

// Pin keeps each worker on one processor. All places of a program's pools and all processes that it
// starts get different processors, as long as there are enough. A worker that replaces another gets
// the same processor. Pin helps with short bursts over shared memory, and harms where other
// programs run.
func Pin() WorkerOption {
	return workerFunc(func(o *poolOptions) error {
		o.pin = true
		return nil
	})
}

// processors records how many places of workers are on each processor.
var processors struct {
	mu     sync.Mutex
	places []int
}

// takeProcessor returns the number of a processor with the fewest places, and counts one more place
// there.
func takeProcessor() (n int) {
	s := &processors
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil {
		s.places = make([]int, runtime.NumCPU())
	}
	for i, places := range s.places {
		if places < s.places[n] {
			n = i
		}
	}
	s.places[n]++
	return n
}

// freeProcessor gives back a processor that takeProcessor returned.
func freeProcessor(n int) {
	s := &processors
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[n]--
}

// pinOf returns 1 + the processor of a place of the pool, or 0 if that may be any.
func (s *supervisor) pinOf(place int) int {
	if !s.options.pin {
		return 0
	}
	for len(s.pins) <= place {
		s.pins = append(s.pins, takeProcessor())
	}
	return 1 + s.pins[place]
}

func (s *supervisor) unpin() {
	for _, n := range s.pins {
		freeProcessor(n)
	}
}
