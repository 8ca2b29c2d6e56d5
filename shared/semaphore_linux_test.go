package shared

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// soon returns a ctx for operations that must not block.
func soon(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

var ended = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errEnough)
	return ctx
}()

var errEnough = errors.New("enough")

func mustNot(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func must(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Fatalf("error %v, want %v", err, want)
	}
}

func TestSemaphore(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		opts  []SemaphoreOption
	}{
		"plain":   {limit: maxPermits},
		"bounded": {limit: 2},
		"tracked": {limit: maxPermits, opts: []SemaphoreOption{Tracked()}},
	} {
		t.Run(name, func(t *testing.T) {
			_, process := simulate(t)
			a, err := newSemaphore(process(), 2, c.limit, c.opts...)
			mustNot(t, err)
			b := had(process(), a.o).semaphore()
			mustNot(t, a.Acquire(ended)) // a permit is free
			if !b.TryAcquire() || b.TryAcquire() || a.Value() != 0 {
				t.Fatalf("of 2 permits %d are left when both are taken", a.Value())
			}
			must(t, a.Acquire(ended), errEnough)
			got := make(chan error)
			go func() { got <- a.Acquire(context.Background()) }()
			mustNot(t, b.Release())
			mustNot(t, <-got)
			must(t, a.Acquire(ended), errEnough)
			mustNot(t, a.Release())
			mustNot(t, a.Release())
			over := a.Release()
			if name == "plain" {
				if mustNot(t, over); a.Value() != 3 {
					t.Errorf("%d permits after 3 releases", a.Value())
				}
				return
			}
			if must(t, over, ErrReleased); a.Value() != 2 {
				t.Errorf("%d permits, want no more than 2", a.Value())
			}
		})
	}
	_, process := simulate(t)
	for _, n := range []int{-1, 0} {
		if _, err := newSemaphore(process(), n, 1, Tracked()); err == nil {
			t.Errorf("a tracked semaphore with %d permits was made", n)
		}
	}
}

// The permits of a dead process come back, down to its last one, and other processes get them.
func TestTrackedSemaphoreDeath(t *testing.T) {
	for name, reap := range map[string]bool{"reaped": true, "found by polling": false} {
		t.Run(name, func(t *testing.T) {
			sim, process := simulate(t)
			a, err := newSemaphore(process(), 3, 3, Tracked())
			mustNot(t, err)
			b := had(process(), a.o).semaphore()
			mustNot(t, a.Acquire(ended))
			mustNot(t, a.Acquire(ended))
			mustNot(t, b.Acquire(ended))
			must(t, b.Acquire(ended), errEnough)
			sim.Kill(a.p)
			if reap {
				sim.Table.Reap(a.p.Tag())
			}
			mustNot(t, b.Acquire(soon(t)))
			mustNot(t, b.Acquire(soon(t)))
			must(t, b.Acquire(ended), errEnough)
		})
	}
}

// A process that does not know of semaphores has freed the slot of a dead holder, and another
// process has the slot now.
func TestTrackedSemaphoreHolderIsDeadThoughItsSlotIsUsedAgain(t *testing.T) {
	sim, process := simulate(t)
	a, err := newSemaphore(process(), 1, 1, Tracked())
	mustNot(t, err)
	b := had(process(), a.o).semaphore()
	mustNot(t, a.Acquire(ended))
	permit := a.owner[0].Load()
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	again := had(process(), a.o).semaphore()
	if again.p.Tag().Slot() != a.p.Tag().Slot() {
		t.Fatal("the slot was not used again")
	}
	a.owner[0].Store(permit)
	must(t, again.Release(), ErrReleased)
	mustNot(t, b.Acquire(soon(t)))
}

func TestSemaphoreManyGoroutines(t *testing.T) {
	_, process := simulate(t)
	a, err := newSemaphore(process(), 3, 3)
	mustNot(t, err)
	all := []*Semaphore{a, had(process(), a.o).semaphore(), had(process(), a.o).semaphore()}
	ctx := soon(t)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			for range 200 {
				if err := all[i%3].Acquire(ctx); err != nil {
					t.Error(err)
					return
				}
				if v := a.Value(); v < 0 || v > 2 {
					t.Errorf("%d free while one is taken", v)
				}
				if err := all[i%3].Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if a.Value() != 3 {
		t.Errorf("%d permits at the end", a.Value())
	}
}

// Every object is the same one where it is received, and panics after Close.
func TestPrimitivesTravelAndClose(t *testing.T) {
	type message struct {
		S *Semaphore
		E *Event
		B *Barrier
		L *Lock
		C *Cond
		R *RLock
	}
	var sent, got message
	var err [5]error
	sent.L = mustLock(t)
	sent.S, err[0] = NewSemaphore(1, Tracked())
	sent.E, err[1] = NewEvent()
	sent.B, err[2] = NewBarrier(1)
	sent.C, err[3] = NewCond(sent.L)
	sent.R, err[4] = NewRLock()
	mustNot(t, errors.Join(err[:]...))
	body, fail := msgpack.Marshal(sent)
	mustNot(t, fail)
	mustNot(t, msgpack.Unmarshal(body, &got))
	sent.S.TryAcquire()
	sent.E.Set()
	sent.B.Abort()
	sent.L.mustBe(t, nil)
	if got.S.TryAcquire() || !got.E.IsSet() || !got.B.Broken() || got.C.Lock().o != sent.L.o {
		t.Error("what arrived is not what was sent")
	}
	sent.L.Unlock()
	ctx := context.Background()
	mustNot(t, sent.R.Lock(ctx))
	mustNot(t, got.R.Unlock(ctx))

	late := make(chan bool)
	e := &Event{}
	*e = *got.E
	e.Clear()
	go func() {
		defer close(late)
		panics(t, "Event used after Close", func() { _ = e.Wait(ctx) })
	}()
	mustNot(t, errors.Join(sent.S.Close(), sent.E.Close(), sent.B.Close(), sent.C.Close(), sent.R.Close()))
	<-late
	panics(t, "Semaphore used after Close", func() { got.S.TryAcquire() })
	panics(t, "Event used after Close", got.E.Set)
	panics(t, "Barrier used after Close", got.B.Abort)
	panics(t, "Cond used after Close", got.C.Broadcast)
	panics(t, "RLock used after Close", func() { _ = got.R.Lock(ctx) })
	panics(t, "zero value", func() { new(Semaphore).Value() })
	panics(t, "zero value", func() { _ = new(RLock).Unlock(ctx) })
}
