package mapreduce

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
)

// newPool returns a pool of two workers, unless options say otherwise, which is closed at the end
// of the test.
func newPool(t testing.TB, options ...PoolOption) *Pool {
	t.Helper()
	p, err := NewPool(context.Background(), append([]PoolOption{Procs(2)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// checkUsable fails the test unless the pool can still compute.
func checkUsable(t *testing.T, p *Pool) {
	t.Helper()
	want := numbers(100)
	if got, err := echo.Map(t.Context(), p, want); err != nil || !slices.Equal(got, want) {
		t.Errorf("afterwards the pool computes %v, %v", got, err)
	}
}

func TestPoolClosed(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	checkUsable(t, p)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	p.Terminate()
	if _, err := echo.Map(t.Context(), p, numbers(3)); !errors.Is(err, ErrClosed) {
		t.Errorf("Map: %v, want ErrClosed", err)
	}
	for _, err := range echo.Imap(t.Context(), p, slices.Values(numbers(3))) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Imap: %v, want ErrClosed", err)
		}
	}
}

func TestPoolWorkersAreGone(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if workers := p.Workers(); len(workers) > 0 {
		t.Errorf("workers %v are left", workers)
	}
}

func TestPoolCloseWaitsForCalls(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	mapped, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := meet.Map(t.Context(), p, []place{m.place()})
		mapped <- err
	}()
	task := m.await()
	go func() { closed <- p.Close() }()
	for {
		if _, err := echo.Map(t.Context(), p, nil); err != nil { // Close has begun
			break
		}
		runtime.Gosched()
	}
	select {
	case err := <-closed:
		t.Fatalf("Close returned %v while a call was under way", err)
	default:
	}
	task.letGo()
	if err := <-mapped; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestPoolTerminated(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	done := make(chan error)
	go func() {
		_, err := meet.Map(t.Context(), p, []place{{m.place().Addr, true}, m.place(), m.place()})
		done <- err
	}()
	first, second := m.await(), m.await()
	p.Terminate()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("Map: %v, want ErrClosed", err)
	}
	first.awaitEnd()
	second.awaitEnd()
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestPoolContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := NewPool(ctx, Procs(2))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	because := errors.New("because")
	done := make(chan error)
	go func() {
		_, err := meet.Map(t.Context(), p, []place{m.place(), m.place()})
		done <- err
	}()
	first, second := m.await(), m.await()
	cancel(because)
	if err := <-done; err != because {
		t.Errorf("Map: %v, want the cause", err)
	}
	first.awaitEnd()
	second.awaitEnd()
	if err := p.Close(); err != because {
		t.Errorf("Close: %v, want the cause", err)
	}
	if _, err := NewPool(ctx); err != because {
		t.Errorf("NewPool: %v, want the cause", err)
	}
}
