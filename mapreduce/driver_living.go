package mapreduce

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
)

// living holds the processes that this process started and that were not reaped.
var living childSet

type childSet struct {
	mu  sync.Mutex
	all map[*child]bool
}

func (s *childSet) add(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*child]bool)
	}
	s.all[c] = true
}

func (s *childSet) remove(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

// list returns the processes in the order in which they started.
func (s *childSet) list() []*child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.all), func(a, b *child) int { return a.link.id - b.link.id })
}

// An AnyProcess is a [Process] with any type of result, without the result.
type AnyProcess interface {
	Pending
	Name() string
	PID() int
	Signal(s os.Signal) error
	Terminate() error
	Kill() error
}

// Processes returns the processes that this one started by [Task.Start] and that have not ended, in
// the order in which they started, like Python's active_children. It omits workers of pools (see
// [Pool.Workers]), processes that [Spares] keeps ready, and processes that other processes started.
// It does not block, and is safe for concurrent use.
func Processes() (alive []AnyProcess) {
	for _, c := range living.list() {
		if c.Alive() {
			alive = append(alive, c)
		}
	}
	return alive
}

// childNames returns the names of the processes that endChildren waits for.
func childNames() (names []string) {
	for _, c := range living.list() {
		if !c.daemon && c.Alive() {
			names = append(names, c.name)
		}
	}
	return names
}

// endChildren waits until all processes that this one started were reaped. It terminates daemons at
// once, and all others when ctx ends; then it returns the cause of ctx.
func endChildren(ctx context.Context) (interrupted error) {
	defer spareProcesses.endAll()
	for rest := living.list(); len(rest) > 0; rest = living.list() { // they may have started more
		for _, c := range rest {
			if c.daemon {
				_ = c.Terminate() // an error means that it has ended
			}
		}
		for _, c := range rest {
			select {
			case <-c.reaped:
			case <-ctx.Done():
				if c.Terminate() == nil && !c.daemon {
					interrupted = context.Cause(ctx)
				}
				<-c.reaped
			}
		}
	}
	return interrupted
}
