package mapreduce

import (
	"slices"
	"testing"
	"time"
)

// sends returns the actions that send, and clears all actions.
func sends(d *scheduler) (all []action) {
	for _, a := range d.actions {
		if a.kind == actSend {
			all = append(all, a)
		}
	}
	d.actions = nil
	return all
}

func newScheduler(workers int) *scheduler {
	d := &scheduler{}
	for slot := range workers {
		d.ready(slot)
	}
	return d
}

func TestSchedulerTriesOneItemFirst(t *testing.T) {
	d := newScheduler(2)
	c := &callState{have: 1000, ended: true}
	d.submit(c)
	if got := sends(d); len(got) != 2 || got[0].span != (span{0, 1}) || got[1].span != (span{1, 2}) {
		t.Fatalf("before anything is known, %v is sent; want one item for each worker", got)
	}
	d.answered(0, 10*time.Microsecond, 10)
	for _, a := range sends(d) {
		if a.slot != 0 || a.size() != 50 {
			t.Errorf("after an answer in 10 µs, %d items go to worker %d; want 50 to worker 0", a.size(), a.slot)
		}
	}
}

func TestSchedulerBlamesOneItemOnly(t *testing.T) {
	d := newScheduler(1)
	c := &callState{have: 10, ended: true, chunksize: 10, retries: 1}
	d.submit(c)
	d.actions = nil
	for attempt := 1; attempt <= 2; attempt++ {
		d.actions = nil
		d.lost(0, c, 4, false)
		if a := d.actions[0]; len(d.actions) != 1 || a.span != (span{4, 5}) || a.attempt != attempt ||
			a.kind != map[int]actionKind{1: actDelay, 2: actGiveUp}[attempt] {
			t.Fatalf("attempt %d: actions %+v", attempt, d.actions)
		}
		if attempt == 1 {
			d.retry(c, 4)
		}
		d.actions = nil
		d.ready(0)
		if attempt == 1 {
			for len(d.workers[0].flights) > 0 && d.workers[0].flights[0].span != (span{4, 5}) {
				d.answered(0, time.Second, 1)
			}
			if len(d.workers[0].flights) == 0 {
				t.Fatal("the item was not sent again alone")
			}
		}
	}
	for len(d.workers[0].flights) > 0 {
		d.answered(0, time.Second, 1)
	}
	if !c.finished || c.answered != 10 {
		t.Errorf("the call has not finished: %+v", c)
	}
}

// A call that cannot be sent leaves its worker to other calls, even if that was not known when they
// asked.
func TestSchedulerUnsentMakesRoom(t *testing.T) {
	d := newScheduler(1)
	bad, good := &callState{have: 10, ended: true, chunksize: 1}, &callState{have: 10, ended: true, chunksize: 1}
	d.submit(bad)
	d.submit(good)
	d.actions = nil
	d.answered(0, time.Microsecond, 1)
	queued := sends(d)
	if len(queued) < 2 {
		t.Fatalf("%d chunks are queued, want several", len(queued))
	}
	d.unsent(0, bad, queued[0].span)
	d.cancel(bad)
	for _, a := range queued[1:] {
		d.unsent(0, a.call, a.span)
	}
	for _, a := range sends(d) {
		if a.call == good {
			return
		}
	}
	t.Error("the worker is idle, and the second call gets nothing")
}

func TestSchedulerServesOldestFirst(t *testing.T) {
	d := newScheduler(1)
	first, second := &callState{have: 3, ended: true, chunksize: 1}, &callState{have: 3, ended: true, chunksize: 1}
	d.submit(first)
	d.submit(second)
	var order []*callState
	for range 6 {
		for _, a := range sends(d) {
			order = append(order, a.call)
		}
		d.answered(0, time.Millisecond, 1)
	}
	if !slices.Equal(order, []*callState{first, first, first, second, second, second}) {
		t.Error("the second call got something before the first had all")
	}
}

func TestSchedulerBoundsTheBytesOfAStream(t *testing.T) {
	const each = 8 << 20
	d := newScheduler(2)
	c := &callState{have: 1000, window: 1024}
	d.submit(c)
	sent := 0
	for consumed := 0; sent < 200; consumed++ { // the consumer is always behind the answers
		for again := true; again; {
			sent += len(sends(d))
			again = false
			for slot := range d.workers {
				if !d.idle(slot) {
					d.answered(slot, time.Microsecond, each)
					again = true
				}
			}
		}
		if ahead := sent - consumed; ahead > windowBytes/each {
			t.Fatalf("%d items of 8 MiB are ahead of the consumer, want %d at most", ahead, windowBytes/each)
		}
		d.consume(c, consumed+1)
	}
}

func TestSchedulerBoundsTheChunksOfAWorker(t *testing.T) {
	d := newScheduler(1)
	d.submit(&callState{have: 10 * windowChunks, ended: true, chunksize: 1})
	d.answered(0, 0, 1) // in no time: any number could fit into the window of work
	if n := len(d.workers[0].flights); n != windowChunks {
		t.Errorf("the worker holds %d chunks, want %d", n, windowChunks)
	}
}
