package mapreduce

import (
	"context"
	"testing"
	"time"
)

var napOrFail = FuncContext(func(_ context.Context, n int) (int, error) {
	if n == 7 {
		time.Sleep(20 * time.Millisecond)
	}
	if n == 3 {
		panic("three")
	}
	return n, nil
})

func TestStats(t *testing.T) {
	events := make(chan Stats, 1000)
	p, err := NewPool(t.Context(), Procs(2), Progress(time.Millisecond, func(s Stats) { events <- s }))
	if err != nil {
		t.Fatal(err)
	}
	args := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if _, err := napOrFail.Map(t.Context(), p, args, Chunksize(1)); err == nil {
		t.Error("item 3 did not fail")
	}
	s := p.Stats()
	if s.Chunks != 10 || s.Sent != 10 || s.Done != 10 || s.Failed != 1 || s.Running != 0 || s.Waiting != 0 {
		t.Errorf("got %+v, want 10 items done and 1 failed", s)
	}
	if len(s.Slowest) != keepSlowest || s.Slowest[0].First != 7 || s.Slowest[0].Each < 20*time.Millisecond {
		t.Errorf("slowest %+v, want item 7 first", s.Slowest)
	}
	items := 0
	for _, w := range s.Workers {
		items += w.Items
		if w.Start <= 0 || w.Work < 0 || w.Wait < 0 || w.PID == 0 {
			t.Errorf("worker %+v", w)
		}
	}
	if items != 10 {
		t.Errorf("the workers have answered %d items, want 10", items)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	close(events)
	var last Stats
	for last = range events {
	}
	if last.Done != 10 || p.Stats().Done != 10 {
		t.Errorf("after the end: %+v, and the last event %+v", p.Stats(), last)
	}
}

func TestStatsWhileRunning(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Terminate()
	f := hangForStats.MapAsync(t.Context(), p, make([]int, 10), Chunksize(2))
	for { // the chunk is sent, or will be soon
		s := p.Stats()
		if s.Running == 2 && s.Waiting == 8 {
			break
		}
		if f.Ready() {
			t.Fatalf("the call has ended with %v", f.Err())
		}
	}
}

var hangForStats = FuncContext(func(ctx context.Context, n int) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
})
