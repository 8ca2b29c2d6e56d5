package shm

import "sync"

// A Simulation is a table with processes that all live in this process, so that a test can have
// many and end them at any point.
type Simulation struct {
	Table *Table

	mu   sync.Mutex
	pid  int
	dead map[int]bool
}

// NewSimulation makes a table. The caller must close it.
func NewSimulation() (*Simulation, error) {
	t, err := NewTable()
	if err != nil {
		return nil, err
	}
	s := &Simulation{Table: t, dead: map[int]bool{}}
	t.lives = func(pid int, _ uint32) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.dead[pid]
	}
	return s, nil
}

// Process returns a new process.
func (s *Simulation) Process() (*Process, error) {
	g, err := s.Table.reserve(0)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.pid++
	pid := s.pid
	s.mu.Unlock()
	return s.Table.process(g, pid, 0)
}

// Kill makes p look dead from now on. The caller must make sure that p does nothing more.
func (s *Simulation) Kill(p *Process) {
	pid := s.Table.PID(p.tag)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead[pid] = true
}
