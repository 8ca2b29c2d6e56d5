package schedule

// Lost records that the worker in this place is gone. If it was running an item of a call, that
// item is to blame: it is tried again or, if final, given up at once. A nil call blames no item.
// All other items that the worker held are sent again.
func (s *Scheduler) Lost(place int, running *Call, item int, final bool) {
	if place >= len(s.workers) {
		return
	}
	flights := s.workers[place].flights.Items()
	s.workers[place] = workerState{}
	for _, f := range flights {
		c := f.call
		if last := f.land(); c.cancelled || !last {
			s.alone(f.copies)
			s.finishIfDone(c)
			continue
		}
		if c == running && f.First <= item && item < f.End {
			s.blame(c, item, final)
			s.sendAgain(c, Span{f.First, item})
			s.sendAgain(c, Span{item + 1, f.End})
			running = nil
		} else {
			s.sendAgain(c, f.Span)
		}
		s.finishIfDone(c)
	}
	s.assignAll()
}

func (s *Scheduler) blame(c *Call, item int, final bool) {
	if c.attempts == nil {
		c.attempts = make(map[int]int)
	}
	c.attempts[item]++
	a := Action{Kind: Delay, Call: c, Span: Span{item, item + 1}, Attempt: c.attempts[item]}
	if final || a.Attempt > c.Retries {
		a.Kind = GiveUp
		c.answered++
	} else {
		c.delayed++
	}
	s.Actions = append(s.Actions, a)
}

func (s *Scheduler) sendAgain(c *Call, span Span) {
	if span.Size() > 0 {
		c.again = append(c.again, span)
		s.queue.pushFront(c)
	}
}

// Retry sends an item again when the pause after the loss of its worker is over.
func (s *Scheduler) Retry(c *Call, item int) {
	c.delayed--
	if c.cancelled {
		s.finishIfDone(c)
		return
	}
	s.sendAgain(c, Span{item, item + 1})
	s.assignAll()
}
