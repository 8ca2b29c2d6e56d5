package mapreduce

import "time"

// A seat is what the supervisor knows about the worker of a link. Nothing else reads it.
type seat struct {
	place   int
	spare   bool      // it has no place yet
	ready   bool      // evReady was seen
	answers bool      // it has answered a chunk
	began   time.Time // when the pool decided to start it
	readyAt time.Time

	initTime time.Duration // the part of the time until it was ready that its initializers took
	items    int           // answered
	work     time.Duration // spent on them

	victim     *call // the call with the item because of which it was killed
	victimItem int

	victimStacks string // of the worker's goroutines when the item's time was over
}

// fill puts a worker into a place: a spare that is ready, or a new one, which will report by
// events.
func (s *supervisor) fill(place int) {
	for i, l := range s.spares {
		if l.ready && l.alive() {
			s.spares = append(s.spares[:i], s.spares[i+1:]...)
			l.spare = false
			s.put(place, l)
			if n := s.pinOf(place); n > 0 {
				_ = l.process.Pin(n - 1) // an error means that it has ended
			}
			s.scheduler.Ready(place)
			s.act()
			s.addSpares()
			return
		}
	}
	s.put(place, s.startLink(place, false))
	s.addSpares()
}

// fillEmpty fills a place if it is still empty and wanted.
func (s *supervisor) fillEmpty(place int) {
	if place < s.size() && !s.released && s.links[place] == nil {
		s.fill(place)
	}
}

func (s *supervisor) put(place int, l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[place] = l
	if l != nil {
		l.place = place
	}
}

func (s *supervisor) startLink(place int, spare bool) *link {
	s.lastID++
	l := newLink(&s.host, s.tell, s.lastID, place, spare)
	l.began = time.Now()
	if !spare {
		l.pin = s.pinOf(place)
	}
	s.tellWorker(l, WorkerStarting)
	go l.run()
	return l
}

func (s *supervisor) addSpares() {
	for len(s.spares) < s.options.spares {
		s.spares = append(s.spares, s.startLink(0, true))
	}
}

// linksThat returns the links of workers with a place that fit. It calls fit with the link's mutex
// locked.
func (s *supervisor) linksThat(fit func(*link) bool) (fitting []*link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l == nil {
			continue
		}
		l.mu.Lock()
		if fit(l) {
			fitting = append(fitting, l)
		}
		l.mu.Unlock()
	}
	return fitting
}

// replace ends a worker that holds nothing, and fills its place if that is still wanted.
func (s *supervisor) replace(place int) {
	s.empty(place)
	if place < s.size() && !s.released {
		s.numbers.Recycled++
		s.refill(place)
	}
}

// refill fills a place whose worker leaves: at once, unless more workers are leaving than are
// wanted; then the place is filled when this worker has ended.
func (s *supervisor) refill(place int) {
	if len(s.leaving) <= s.size() {
		s.fill(place)
	}
}

// empty removes the worker of a place and ends it in good order.
func (s *supervisor) empty(place int) {
	old := s.links[place]
	if old == nil {
		return
	}
	s.put(place, nil)
	s.end(old, place)
}

// size returns how many workers the pool should have.
func (s *supervisor) size() int { return int(s.wanted.Load()) }

// resize makes the pool have n workers.
func (s *supervisor) resize(n int) {
	s.wanted.Store(int64(n))
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
	for place, l := range s.links {
		switch {
		case place >= n:
			s.vacate(place)
		case l == nil:
			s.fill(place)
		}
	}
}

// vacate ends the worker of a place when it has answered what it holds. A worker that is not ready
// yet holds nothing.
func (s *supervisor) vacate(place int) {
	switch l := s.links[place]; {
	case l == nil:
	case l.ready:
		s.scheduler.Drain(place)
	default:
		s.empty(place)
	}
}

// release ends all workers of a pool that has nothing to do; wake starts workers again.
func (s *supervisor) release() {
	s.released = true
	for place := range s.links {
		s.vacate(place)
	}
}

func (s *supervisor) wake() {
	if !s.released {
		return
	}
	s.released = false
	s.resize(s.size())
}
