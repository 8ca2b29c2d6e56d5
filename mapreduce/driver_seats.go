package mapreduce

import "time"

// A seat is what the supervisor knows about the worker of a link. Nothing else reads it.
type seat struct {
	slot    int
	spare   bool      // it has no slot yet
	ready   bool      // evReady was seen
	answers bool      // it has answered a chunk
	began   time.Time // when the pool decided to start it
	readyAt time.Time
	items   int           // answered
	work    time.Duration // spent on them

	victim     *call // the call with the item because of which it was killed
	victimItem int
}

// fill puts a worker into a slot: a spare that is ready, or a new one, which will report by events.
func (s *supervisor) fill(slot int) {
	for i, l := range s.spares {
		if l.ready && l.alive() {
			s.spares = append(s.spares[:i], s.spares[i+1:]...)
			l.spare = false
			s.put(slot, l)
			if n := s.pinOf(slot); n > 0 {
				_ = l.process.Pin(n - 1) // an error means that it has ended
			}
			s.scheduler.Ready(slot)
			s.act()
			s.addSpares()
			return
		}
	}
	s.put(slot, s.startLink(slot, false))
	s.addSpares()
}

// fillEmpty fills a slot if it is still empty and wanted.
func (s *supervisor) fillEmpty(slot int) {
	if slot < s.wanted && !s.released && s.links[slot] == nil {
		s.fill(slot)
	}
}

func (s *supervisor) put(slot int, l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[slot] = l
	if l != nil {
		l.slot = slot
	}
}

func (s *supervisor) startLink(slot int, spare bool) *link {
	s.lastID++
	l := newLink(&s.host, s.tell, s.lastID, slot, spare)
	l.began = time.Now()
	if !spare {
		l.pin = s.pinOf(slot)
	}
	go l.run()
	return l
}

func (s *supervisor) addSpares() {
	for len(s.spares) < s.options.spares {
		s.spares = append(s.spares, s.startLink(0, true))
	}
}

// live returns the workers that have a slot and whose processes run.
func (s *supervisor) live() (all []WorkerInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l == nil {
			continue
		}
		l.mu.Lock()
		if l.process != nil && l.alive() {
			all = append(all, WorkerInfo{ID: l.id, PID: l.process.PID()})
		}
		l.mu.Unlock()
	}
	return all
}

// replace ends a worker that holds nothing, and fills its slot if that is still wanted.
func (s *supervisor) replace(slot int) {
	s.empty(slot)
	if slot < s.wanted && !s.released {
		s.numbers.Recycled++
		s.refill(slot)
	}
}

// refill fills a slot whose worker leaves: at once, unless more workers are leaving than are
// wanted; then the slot is filled when this worker has ended.
func (s *supervisor) refill(slot int) {
	if s.leaving <= s.wanted {
		s.fill(slot)
	}
}

// empty removes the worker of a slot and ends it in good order.
func (s *supervisor) empty(slot int) {
	old := s.links[slot]
	if old == nil {
		return
	}
	s.put(slot, nil)
	s.end(old, slot)
}

// resize makes the pool have n workers.
func (s *supervisor) resize(n int) {
	s.wanted = n
	s.mu.Lock()
	for len(s.links) < n {
		s.links = append(s.links, nil)
	}
	s.mu.Unlock()
	for _, c := range s.calls {
		s.failMisplaced(c)
	}
	if s.released {
		return
	}
	for slot, l := range s.links {
		switch {
		case slot >= n:
			s.vacate(slot)
		case l == nil:
			s.fill(slot)
		}
	}
}

// vacate ends the worker of a slot when it has answered what it holds. A worker that is not ready
// yet holds nothing.
func (s *supervisor) vacate(slot int) {
	switch l := s.links[slot]; {
	case l == nil:
	case l.ready:
		s.scheduler.Drain(slot)
	default:
		s.empty(slot)
	}
}

// release ends all workers of a pool that has nothing to do; wake starts workers again.
func (s *supervisor) release() {
	s.released = true
	for slot := range s.links {
		s.vacate(slot)
	}
}

func (s *supervisor) wake() {
	if !s.released {
		return
	}
	s.released = false
	s.resize(s.wanted)
}
