package schedule

// assignAll gives work to all workers that have room, in turns of one chunk each.
func (s *Scheduler) assignAll() {
	for given := true; given; {
		given = false
		for place := range s.workers {
			if s.assignOne(place) {
				given = true
			}
		}
	}
}

func (s *Scheduler) assign(place int) {
	for s.assignOne(place) {
	}
}

// assignOne sends the worker, if it has room, the next chunk of the oldest call that has one. It
// reports whether it sent one.
func (s *Scheduler) assignOne(place int) bool {
	w := &s.workers[place]
	if !w.ready || w.drained || w.flights.Len() >= windowChunks || s.MaxTasks > 0 && w.tasks >= s.MaxTasks {
		return false
	}
	for c := s.queue.first; c != nil; c = c.succ {
		if !c.mayRunAt(place) {
			continue
		}
		span, ok := s.nextSpan(c)
		if !ok {
			continue
		}
		cost := c.Seen.cost(span.Size())
		if w.flights.Len() > 0 && !c.mayQueue(w, span, cost, len(s.workers)) {
			return false
		}
		if s.MaxTasks > 0 {
			span.End = min(span.End, span.First+s.MaxTasks-w.tasks)
		}
		s.take(c, span)
		s.fly(place, flight{call: c, Span: span, cost: cost})
		s.Actions = append(s.Actions, Action{Kind: Send, Place: place, Call: c, Span: span, Attempt: c.attempts[span.First] + 1})
		return true
	}
	return w.flights.Len() == 0 && s.assignBackup(place)
}

func (s *Scheduler) fly(place int, f flight) {
	w := &s.workers[place]
	s.flown++
	f.serial = s.flown
	w.flights.Push(f)
	w.queued += f.cost
	w.holds += f.Size()
	w.tasks += f.Size()
	f.call.held++
}

// nextSpan returns the chunk of c to send next, without taking it.
func (s *Scheduler) nextSpan(c *Call) (Span, bool) {
	if n := len(c.again); n > 0 {
		return c.again[n-1], true
	}
	limit := c.limit(len(s.workers))
	available := min(c.Have, limit) - c.next
	if available <= 0 {
		return Span{}, false
	}
	size := c.Chunksize
	if size == 0 {
		size = min(autoChunk(&c.Seen, c.left(), len(s.workers)), available)
		if c.Direct {
			size = 1
		} else if c.PerWorker > 0 {
			size = min(size, max(c.PerWorker/2, 1))
		}
	} else if size > available {
		if !c.Ended || limit < c.Have {
			return Span{}, false // an explicit size holds: wait for the rest
		}
		size = available
	}
	return Span{c.next, c.next + size}, true
}

// take removes s, a prefix of the result of nextSpan, from the items to send.
func (s *Scheduler) take(c *Call, span Span) {
	if n := len(c.again); n > 0 {
		if c.again[n-1].First = span.End; c.again[n-1].Size() == 0 {
			c.again = c.again[:n-1]
		}
	} else {
		c.next = span.End
	}
	s.dequeueIfSent(c)
}

// dequeueIfSent takes a call out of the queue that has nothing to send any more.
func (s *Scheduler) dequeueIfSent(c *Call) {
	if c.Ended && c.next == c.Have && len(c.again) == 0 {
		s.queue.remove(c)
	}
}
