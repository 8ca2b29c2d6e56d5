package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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

// captureLog makes slog.Default write to the returned buffer until the end of the test.
func captureLog(t *testing.T) *bytes.Buffer {
	var text bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return &text
}

func TestFutureOnDone(t *testing.T) {
	reported := captureLog(t)
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	var order []int // callbacks come one at a time
	note := func(i int) func(int, error) {
		return func(pid int, err error) {
			if pid != task.pid || err != nil {
				t.Errorf("callback %d got %d, %v", i, pid, err)
			}
			order = append(order, i)
		}
	}
	f.OnDone(note(0))
	begun, goOn := make(chan bool), make(chan bool)
	f.OnDone(func(int, error) { panic("a callback that fails") })
	f.OnDone(func(int, error) { close(begun); <-goOn })
	f.OnDone(note(1))
	task.letGo()
	<-begun
	f.OnDone(note(2)) // it is ready, and another callback runs
	f.OnDone(note(3))
	go func() {
		time.Sleep(20 * time.Millisecond) // Close waits
		close(goOn)
	}()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if want := []int{0, 1, 2, 3}; !slices.Equal(order, want) {
		t.Errorf("callbacks ran: %v", order)
	}
	if text := reported.String(); !strings.Contains(text, "a callback that fails") || !strings.Contains(text, "TestFutureOnDone") {
		t.Errorf("reported: %s", text)
	}
	late := make(chan bool)
	f.OnDone(func(int, error) { close(late) })
	<-late
}

func TestFutureOnDoneWhileClosing(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	f := echo.ApplyAsync(t.Context(), p, 1)
	<-f.Done()
	var callbacks, closing sync.WaitGroup
	closing.Go(func() { p.Close() })
	for range 100 {
		callbacks.Add(1)
		f.OnDone(func(int, error) { callbacks.Done() })
	}
	callbacks.Wait()
	closing.Wait()
}

func TestAsCompleted(t *testing.T) {
	p := newPool(t)
	m, second := newMeeting(t), newMeeting(t)
	slow := meet.ApplyAsync(t.Context(), p, m.place())
	quick := meet.ApplyAsync(t.Context(), p, second.place())
	last, next := m.await(), second.await()
	next.letGo()
	var order []int
	for i, f := range AsCompleted(t.Context(), slow, quick) {
		if !f.Ready() {
			t.Errorf("future %d is not ready", i)
		}
		order = append(order, i)
		last.letGo()
	}
	if !slices.Equal(order, []int{1, 0}) {
		t.Errorf("order %v", order)
	}
	for range AsCompleted(t.Context(), slow, quick) {
		break
	}
	for range AsCompleted[*Future[int]](t.Context()) {
		t.Error("a future out of nothing")
	}
}

func TestWaiting(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	slow := meet.ApplyAsync(t.Context(), p, m.place())
	task := m.await()
	good, bad := failAtThrees.ApplyAsync(t.Context(), p, 1), failAtThrees.ApplyAsync(t.Context(), p, 3)
	if i, err := WaitFirst(t.Context(), slow, good); i != 1 || err != nil {
		t.Errorf("WaitFirst: %d, %v", i, err)
	}
	if i, err := WaitFirstError(t.Context(), slow, good, bad); i != 2 || err == nil || err != bad.Err() {
		t.Errorf("WaitFirstError: %d, %v", i, err)
	}
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(because)
	if i, err := WaitFirst(ctx, slow); i != -1 || err != because {
		t.Errorf("WaitFirst: %d, %v", i, err)
	}
	if i, err := WaitFirstError(ctx, slow); i != -1 || err != because {
		t.Errorf("WaitFirstError: %d, %v", i, err)
	}
	if err := WaitAll(ctx, slow); err != because {
		t.Errorf("WaitAll: %v", err)
	}
	for range AsCompleted(ctx, slow) {
		t.Error("AsCompleted yields what is not ready")
	}
	task.letGo()
	if err := WaitAll(t.Context(), slow, good); err != nil {
		t.Errorf("WaitAll: %v", err)
	}
	if i, err := WaitFirstError(t.Context(), slow, good); i != -1 || err != nil {
		t.Errorf("WaitFirstError without one: %d, %v", i, err)
	}
	other := failAtThrees.ApplyAsync(t.Context(), p, 6)
	err := WaitAll(t.Context(), good, bad, other)
	for _, f := range []*Future[int]{bad, other} {
		if !errors.Is(err, f.Err()) {
			t.Errorf("WaitAll: no %v in %v", f.Err(), err)
		}
	}
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

// A goroutine's future is like any other, and can be waited for with those of pools.
func TestGo(t *testing.T) {
	failed := errors.New("failed")
	good := Go(t.Context(), func(context.Context) (int, error) { return 7, nil })
	bad := Go(t.Context(), func(context.Context) (int, error) { return 0, failed })
	pooled := echo.ApplyAsync(t.Context(), newPool(t), 3)
	if err := WaitAll(t.Context(), good, bad, pooled); !errors.Is(err, failed) {
		t.Errorf("WaitAll: %v", err)
	}
	if got, err := good.Get(t.Context()); got != 7 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	called := make(chan error, 1)
	bad.OnDone(func(_ int, err error) { called <- err })
	if err := <-called; err != failed {
		t.Errorf("the callback got %v", err)
	}
}

func TestGoEnds(t *testing.T) {
	because := errors.New("because")
	untilEnd := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) }
	f := Go(t.Context(), untilEnd)
	called := make(chan error, 1)
	f.OnDone(func(_ int, err error) { called <- err })
	f.Cancel()
	if _, err := f.Get(t.Context()); err != ErrCanceled {
		t.Errorf("after Cancel: %v", err)
	}
	if err := <-called; err != ErrCanceled {
		t.Errorf("the callback got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	f = Go(ctx, untilEnd)
	cancel(because)
	if _, err := f.Get(t.Context()); err != because {
		t.Errorf("after the end of its context: %v", err)
	}
	f.Cancel() // nothing happens
	if f.Err() != because {
		t.Errorf("after that: %v", f.Err())
	}
}
