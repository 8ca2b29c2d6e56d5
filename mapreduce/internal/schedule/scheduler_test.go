package schedule

import (
	"slices"
	"testing"
	"time"
)

// sends returns the actions that send, and clears all actions.
func sends(s *Scheduler) (all []Action) {
	for _, a := range s.Actions {
		if a.Kind == Send {
			all = append(all, a)
		}
	}
	s.Actions = nil
	return all
}

func newScheduler(workers int) *Scheduler {
	s := &Scheduler{}
	for place := range workers {
		s.Ready(place)
	}
	return s
}

func TestSchedulerTriesOneItemFirst(t *testing.T) {
	s := newScheduler(2)
	c := &Call{Have: 1000, Ended: true}
	s.Submit(c)
	if got := sends(s); len(got) != 2 || got[0].Span != (Span{0, 1}) || got[1].Span != (Span{1, 2}) {
		t.Fatalf("before anything is known, %v is sent; want one item for each worker", got)
	}
	s.Answered(0, 10*time.Microsecond, 10)
	for _, a := range sends(s) {
		if a.Place != 0 || a.Size() != 50 {
			t.Errorf("after an answer in 10 µs, %d items go to worker %d; want 50 to worker 0", a.Size(), a.Place)
		}
	}
}

func TestSchedulerBlamesOneItemOnly(t *testing.T) {
	s := newScheduler(1)
	c := &Call{Have: 10, Ended: true, Chunksize: 10, Retries: 1}
	s.Submit(c)
	s.Actions = nil
	for attempt := 1; attempt <= 2; attempt++ {
		s.Actions = nil
		s.Lost(0, c, 4, false)
		if a := s.Actions[0]; len(s.Actions) != 1 || a.Span != (Span{4, 5}) || a.Attempt != attempt ||
			a.Kind != map[int]Kind{1: Delay, 2: GiveUp}[attempt] {
			t.Fatalf("attempt %d: actions %+v", attempt, s.Actions)
		}
		if attempt == 1 {
			s.Retry(c, 4)
		}
		s.Actions = nil
		s.Ready(0)
		if attempt == 1 {
			for s.workers[0].flights.Len() > 0 && s.workers[0].flights.Items()[0].Span != (Span{4, 5}) {
				s.Answered(0, time.Second, 1)
			}
			if s.workers[0].flights.Len() == 0 {
				t.Fatal("the item was not sent again alone")
			}
		}
	}
	for s.workers[0].flights.Len() > 0 {
		s.Answered(0, time.Second, 1)
	}
	if !c.finished || c.answered != 10 {
		t.Errorf("the call has not finished: %+v", c)
	}
}

// A call that cannot be sent leaves its worker to other calls, even if that was not known when they
// asked.
func TestSchedulerUnsentMakesRoom(t *testing.T) {
	s := newScheduler(1)
	bad, good := &Call{Have: 10, Ended: true, Chunksize: 1}, &Call{Have: 10, Ended: true, Chunksize: 1}
	s.Submit(bad)
	s.Submit(good)
	s.Actions = nil
	s.Answered(0, time.Microsecond, 1)
	queued := sends(s)
	if len(queued) < 2 {
		t.Fatalf("%d chunks are queued, want several", len(queued))
	}
	s.Unsent(0, bad, queued[0].Span)
	s.Cancel(bad)
	for _, a := range queued[1:] {
		s.Unsent(0, a.Call, a.Span)
	}
	for _, a := range sends(s) {
		if a.Call == good {
			return
		}
	}
	t.Error("the worker is idle, and the second call gets nothing")
}

func TestSchedulerServesOldestFirst(t *testing.T) {
	s := newScheduler(1)
	first, second := &Call{Have: 3, Ended: true, Chunksize: 1}, &Call{Have: 3, Ended: true, Chunksize: 1}
	s.Submit(first)
	s.Submit(second)
	var order []*Call
	for range 6 {
		for _, a := range sends(s) {
			order = append(order, a.Call)
		}
		s.Answered(0, time.Millisecond, 1)
	}
	if !slices.Equal(order, []*Call{first, first, first, second, second, second}) {
		t.Error("the second call got something before the first had all")
	}
}

func TestSchedulerBoundsTheBytesOfAStream(t *testing.T) {
	const each = 8 << 20
	s := newScheduler(2)
	c := &Call{Have: 1000, Window: 1024}
	s.Submit(c)
	sent := 0
	for consumed := 0; sent < 200; consumed++ { // the consumer is always behind the answers
		for again := true; again; {
			sent += len(sends(s))
			again = false
			for place := range s.workers {
				if !s.Idle(place) {
					s.Answered(place, time.Microsecond, each)
					again = true
				}
			}
		}
		if ahead := sent - consumed; ahead > WindowBytes/each {
			t.Fatalf("%d items of 8 MiB are ahead of the consumer, want %d at most", ahead, WindowBytes/each)
		}
		s.Consume(c, consumed+1)
	}
}

func TestSchedulerBoundsTheChunksOfAWorker(t *testing.T) {
	s := newScheduler(1)
	s.Submit(&Call{Have: 10 * windowChunks, Ended: true, Chunksize: 1})
	s.Answered(0, 0, 1) // in no time: any number could fit into the window of work
	if n := s.workers[0].flights.Len(); n != windowChunks {
		t.Errorf("the worker holds %d chunks, want %d", n, windowChunks)
	}
}

// When the answer of a worker that gets no more makes room for items, an idle worker gets them.
func TestDrainedWorkerLeavesItsRoomToOthers(t *testing.T) {
	s := newScheduler(2)
	c := &Call{Chunksize: 1, Window: 40, Have: 100, Ended: true, Seen: Measure{work: 1000, bytes: WindowBytes / 8}}
	s.Submit(c)
	answer := func(place, bytes int) {
		for !s.Idle(place) {
			s.Answered(place, time.Microsecond, bytes)
		}
	}
	answer(1, WindowBytes/8)
	if s.Idle(0) || !s.Idle(1) {
		t.Fatalf("worker 0 is idle: %v; worker 1: %v", s.Idle(0), s.Idle(1))
	}
	s.Drain(0)
	answer(0, 1)
	if s.Idle(1) {
		t.Errorf("%d of %d items may be sent, and worker 1 is idle", c.limit(2), c.Have)
	}
}
