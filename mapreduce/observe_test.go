//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
)

// A diary is an observer that writes down what it is told.
type diary struct {
	mu       sync.Mutex
	began    map[int]int // times, by item
	done     map[int]Outcome
	attempts map[int]int // of the end of an item
	workers  []WorkerChange
	panics   bool
}

func newDiary() *diary {
	return &diary{began: make(map[int]int), done: make(map[int]Outcome), attempts: make(map[int]int)}
}

func (d *diary) Begin(c Chunk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := c.First; i <= c.Last; i++ {
		d.began[i]++
	}
	if d.panics {
		panic("the observer's own")
	}
}

func (d *diary) End(c Chunk, o Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := c.First; i <= c.Last; i++ {
		d.done[i], d.attempts[i] = o, c.Attempt
	}
}

func (d *diary) Worker(w WorkerChange) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers = append(d.workers, w)
}

// ofFates fails for 3; 5 kills its first worker, and 7 each.
var ofFates = FuncContext(fate)

func fate(ctx context.Context, n int) (int, error) {
	switch attempt := CurrentWorker(ctx).Attempt; {
	case n == 3:
		return 0, errors.New("three")
	case n == 5 && attempt == 1, n == 7:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return n, nil
}

// An observer learns how each item and each worker ends, and the pool does not log what it learns.
func TestObserver(t *testing.T) {
	d := newDiary()
	records := new(lockedBuffer)
	p := newPool(t, Procs(2), Chunksize(1), Retries(1), Observe(d), Logger(slog.NewTextHandler(records, nil)))
	if _, err := ofFates.Map(t.Context(), p, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}); err == nil {
		t.Error("no item failed")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		wantFailures, wantAttempt := 0, 1
		switch i {
		case 3:
			wantFailures = 1
		case 5:
			wantAttempt = 2
		case 7:
			wantFailures, wantAttempt = 1, 2
		}
		got, ok := d.done[i]
		if !ok || len(got.Failures) != wantFailures || d.attempts[i] != wantAttempt || d.began[i] < wantAttempt {
			t.Errorf("item %d: ended %v, %+v in attempt %d, began %d times", i, ok, got, d.attempts[i], d.began[i])
		}
		if i != 7 && (got.Work <= 0 || got.Sent <= 0 || got.Received <= 0) {
			t.Errorf("item %d: %+v, want time and bytes", i, got)
		}
	}
	if failed := d.done[7].Failures[0]; failed.Index != 7 || failed.Input != 7 {
		t.Errorf("item 7: %+v", failed)
	}
	lives := make(map[int][]WorkerState)
	var lost []WorkerChange
	for _, w := range d.workers {
		lives[w.ID] = append(lives[w.ID], w.State)
		if w.Lost != nil {
			lost = append(lost, w)
		}
	}
	for id, life := range lives {
		if len(life) != 3 && !(len(life) == 2 && life[1] == WorkerEnded) || life[0] != WorkerStarting || life[len(life)-1] != WorkerEnded {
			t.Errorf("worker %d: %v", id, life)
		}
	}
	if len(lives) != 5 || len(lost) != 3 {
		t.Fatalf("%d workers, of which %+v were lost; want 3 of 5", len(lives), lost)
	}
	for _, w := range lost {
		again := w.Lost.Index == 5 || w.Lost.Attempts == 1
		if w.Lost.Signal != syscall.SIGKILL || w.Again != again || w.Call != 1 || w.Task != ofFates.Name() || w.PID != w.Lost.PID || w.Reason != nil {
			t.Errorf("%+v of %+v", w, w.Lost)
		}
	}
	if records.String() != "" {
		t.Errorf("the pool has logged %s", records)
	}
}

// A panic of an observer costs the pool nothing.
func TestObserverPanics(t *testing.T) {
	d := newDiary()
	d.panics = true
	p := newPool(t, Procs(1), Observe(d))
	if got, err := ofFates.Map(t.Context(), p, []int{1, 2}); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := p.Close(); err != nil || len(d.done) != 2 {
		t.Errorf("%v; ended: %v", err, d.done)
	}
	if _, err := NewPool(t.Context(), Observe(nil)); err == nil {
		t.Error("a nil observer is accepted")
	}
}
