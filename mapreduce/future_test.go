package mapreduce

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFutureGet(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	if f.Ready() || f.Err() != nil {
		t.Errorf("while it runs: ready %v, error %v", f.Ready(), f.Err())
	}
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(because)
	if _, err := f.Get(ctx); err != because {
		t.Errorf("Get with a context that has ended: %v", err)
	}
	task.letGo()
	<-f.Done()
	for range 2 {
		if pid, err := f.Get(ctx); err != nil || pid != task.pid {
			t.Errorf("got %d, %v, want %d", pid, err, task.pid)
		}
	}
	if !f.Ready() || f.Err() != nil {
		t.Errorf("at the end: ready %v, error %v", f.Ready(), f.Err())
	}
}

func TestFutureFails(t *testing.T) {
	p := newPool(t)
	f := failAtThrees.ApplyAsync(t.Context(), p, 3)
	_, err := f.Get(t.Context())
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Index != 0 || item.Input != 3 || f.Err() != err {
		t.Errorf("Get: %v, Err: %v", err, f.Err())
	}
	f = echo.ApplyAsync(t.Context(), p, 1, Retries(-1))
	if err := f.Err(); !f.Ready() || err == nil || !strings.Contains(err.Error(), "Retries(-1)") {
		t.Errorf("bad option: %v", err)
	}
	all := echo.MapAsync(t.Context(), p, numbers(3), Timeout(-1))
	if all.Err() == nil {
		t.Error("MapAsync took a bad option")
	}
	f.Cancel()
	f.OnDone(func(int, error) {})
}

func TestFutureCancelRunning(t *testing.T) {
	for _, stubborn := range []bool{false, true} {
		p := newPool(t)
		m := newMeeting(t)
		other := meet.ApplyAsync(t.Context(), p, m.place())
		bystander := m.await()
		f := meet.ApplyAsync(t.Context(), p, place{m.place().Addr, stubborn})
		task := m.await()
		f.Cancel()
		if _, err := f.Get(t.Context()); err != ErrCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("stubborn %v: error %v", stubborn, err)
		}
		task.awaitEnd()
		if other.Ready() {
			t.Error("the other item was disturbed:", other.Err())
		}
		bystander.letGo()
		if pid, err := other.Get(t.Context()); err != nil || pid != bystander.pid {
			t.Errorf("the other item: %v, %v", pid, err)
		}
		f.Cancel() // no effect
		checkUsable(t, p)
	}
}

func TestFutureCancelQueued(t *testing.T) {
	p := newPool(t, Procs(1))
	m := newMeeting(t)
	first := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	queued := echo.ApplyAsync(t.Context(), p, 1)
	all := echo.MapAsync(t.Context(), p, numbers(1000))
	queued.Cancel()
	all.Cancel()
	if err := WaitAll[Pending](t.Context(), queued, all); !errors.Is(err, ErrCanceled) {
		t.Error(err)
	}
	if first.Ready() {
		t.Error("the running item was disturbed")
	}
	task.letGo()
	if _, err := first.Get(t.Context()); err != nil {
		t.Error(err)
	}
	if done := p.Stats().Sent; done > 2 {
		t.Errorf("%d items were sent", done)
	}
	checkUsable(t, p)
}

func TestFutureContextEnds(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	f := meet.MapAsync(ctx, p, []place{m.place(), m.place()})
	first, second := m.await(), m.await()
	cancel(because)
	if _, err := f.Get(t.Context()); err != because {
		t.Error(err)
	}
	first.awaitEnd()
	second.awaitEnd()
	if err := echo.ApplyAsync(ctx, p, 1).Err(); err != because {
		t.Errorf("a context that had ended: %v", err)
	}
	checkUsable(t, p)
}

func TestFutureAfterClose(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	early := echo.ApplyAsync(t.Context(), p, 7)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n, err := early.Get(t.Context()); n != 7 || err != nil {
		t.Errorf("begun before Close: %d, %v", n, err)
	}
	for _, f := range []Pending{echo.ApplyAsync(t.Context(), p, 1), echo.MapAsync(t.Context(), p, numbers(9))} {
		<-f.Done()
		if f.Err() != ErrClosed {
			t.Error(f.Err())
		}
	}
	called := make(chan error)
	f := echo.ApplyAsync(t.Context(), p, 1)
	f.Cancel()
	f.OnDone(func(_ int, err error) { called <- err })
	if err := <-called; err != ErrClosed {
		t.Error(err)
	}
}

func TestFutureOfFailedPool(t *testing.T) {
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := NewPool(ctx, Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	running, queued := meet.ApplyAsync(t.Context(), p, m.place()), echo.ApplyAsync(t.Context(), p, 1)
	m.await()
	cancel(because)
	for _, f := range []*Future[int]{running, queued} {
		if _, err := f.Get(t.Context()); err != because {
			t.Error(err)
		}
	}
	<-p.supervisor.done
	if _, err := echo.ApplyAsync(t.Context(), p, 1).Get(t.Context()); err != because {
		t.Errorf("later: %v, want the cause", err)
	}
	if err := p.Close(); err != because {
		t.Errorf("Close: %v", err)
	}
	if err := echo.ApplyAsync(t.Context(), p, 1).Err(); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestManyFutures(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	p := newPool(t)
	start := time.Now()
	futures := make([]*Future[int], n)
	var sum int
	var mu sync.Mutex
	for i := range futures {
		futures[i] = echo.ApplyAsync(t.Context(), p, i)
		futures[i].OnDone(func(got int, _ error) {
			mu.Lock()
			defer mu.Unlock()
			sum += got
		})
	}
	submitted := time.Since(start)
	if err := WaitAll(t.Context(), futures...); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d submitted in %v, ready after %v", n, submitted, time.Since(start))
	for i, f := range futures {
		if got, err := f.Get(t.Context()); got != i || err != nil {
			t.Fatalf("future %d: %d, %v", i, got, err)
		}
	}
	seen := make([]bool, n)
	for i := range AsCompleted(t.Context(), futures...) {
		if seen[i] {
			t.Fatalf("future %d comes twice", i)
		}
		seen[i] = true
	}
	if slices.Contains(seen, false) {
		t.Error("AsCompleted lost a future")
	}
	p.Close() // waits for callbacks
	if want := n * (n - 1) / 2; sum != want {
		t.Errorf("callbacks got %d in all, want %d", sum, want)
	}
}
