package shared

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
)

func simulate(tb testing.TB) (sim *shm.Simulation, process func() *shm.Process) {
	tb.Helper()
	sim, err := shm.NewSimulation()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { sim.Table.Close() })
	return sim, func() *shm.Process {
		p, err := sim.Process()
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
}

// had returns an object as a simulated process has it that has received it.
func had(p *shm.Process, o shm.Object) member {
	if err := p.Have(o); err != nil {
		panic(err)
	}
	return member{p, o}
}

// twoLocks returns one lock as two processes have it.
func twoLocks(tb testing.TB) (sim *shm.Simulation, a, b *Lock) {
	sim, process := simulate(tb)
	a, err := newLock(process())
	if err != nil {
		tb.Fatal(err)
	}
	return sim, a, had(process(), a.o).lock()
}

func (l *Lock) mustBe(tb testing.TB, want error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Lock(ctx); !errors.Is(err, want) {
		tb.Fatalf("Lock = %v, want %v", err, want)
	}
}

func panics(tb testing.TB, want string, f func()) {
	tb.Helper()
	defer func() {
		tb.Helper()
		if r, _ := recover().(string); !strings.Contains(r, want) {
			tb.Errorf("panic %q, want one with %q", r, want)
		}
	}()
	f()
}

func TestLockDeadOwner(t *testing.T) {
	sim, a, b := twoLocks(t)
	a.mustBe(t, nil)
	if ok, err := b.TryLock(); ok || err != nil {
		t.Fatalf("TryLock = %v, %v while another holds it", ok, err)
	}
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	b.mustBe(t, ErrOwnerDied)
	b.MarkConsistent()
	b.Unlock()
	b.mustBe(t, nil)
	b.Unlock()

	t.Run("and the next one too", func(t *testing.T) {
		sim, a, b := twoLocks(t)
		p, _ := sim.Process()
		c := had(p, a.o).lock()
		a.mustBe(t, nil)
		sim.Kill(a.p)
		sim.Table.Reap(a.p.Tag())
		b.mustBe(t, ErrOwnerDied)
		sim.Kill(b.p)
		sim.Table.Reap(b.p.Tag())
		c.mustBe(t, ErrOwnerDied)
	})
	t.Run("not repaired", func(t *testing.T) {
		sim, a, b := twoLocks(t)
		a.mustBe(t, nil)
		sim.Kill(a.p)
		b.mustBe(t, ErrOwnerDied) // b finds out by polling
		b.Unlock()
		b.mustBe(t, ErrNotRecoverable)
		if ok, err := b.TryLock(); ok || !errors.Is(err, ErrNotRecoverable) {
			t.Errorf("TryLock = %v, %v of a lost lock", ok, err)
		}
	})
}

// A process that does not know of locks has freed the slot of a dead holder, and another process
// has the slot now.
func TestLockHolderIsDeadThoughItsSlotIsUsedAgain(t *testing.T) {
	sim, a, b := twoLocks(t)
	a.mustBe(t, nil)
	word := a.word.Load()
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	again, err := sim.Process()
	if err != nil {
		t.Fatal(err)
	}
	if again.Tag() == a.p.Tag() || again.Tag()&(1<<14-1) != a.p.Tag()&(1<<14-1) {
		t.Fatalf("tag %#x after %#x: want the same slot, another generation", again.Tag(), a.p.Tag())
	}
	a.word.Store(word)
	b.mustBe(t, ErrOwnerDied)
}

// A late repair, for the process that had the slot before, does not affect the new process.
func TestLockLateRepair(t *testing.T) {
	sim, a, b := twoLocks(t)
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	again, err := sim.Process()
	if err != nil {
		t.Fatal(err)
	}
	c := had(again, a.o).lock()
	c.mustBe(t, nil)
	sim.Table.Reap(a.p.Tag())
	if ok, err := b.TryLock(); ok {
		t.Fatalf("TryLock = %v, %v: the lock was taken from a living holder", ok, err)
	}
	c.Unlock()
	b.mustBe(t, nil)
}

func TestLockContext(t *testing.T) {
	_, a, b := twoLocks(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	a.mustBe(t, nil)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := b.Lock(ctx); !errors.Is(err, cause) {
				t.Errorf("Lock = %v, want the cause", err)
			}
		})
	}
	for site := ""; !strings.Contains(site, ".go:"); { // until a process waits in a long slice
		runtime.Gosched()
		b.p.Table().WaitsFor(func(who shm.Tag, o shm.Object, where string) {
			if who == b.p.Tag() && o.Handle() == a.o.Handle() {
				site = where
			}
		})
	}
	start := time.Now()
	cancel(cause)
	wg.Wait()
	if took := time.Since(start); took > shm.Slice/2 {
		t.Errorf("it took %v to give up", took)
	}
	a.Unlock()
	if err := b.Lock(ctx); err != nil {
		t.Errorf("Lock = %v of a free lock, want none though ctx has ended", err)
	}
}

func TestLockMisuse(t *testing.T) {
	_, a, b := twoLocks(t)
	panics(t, "does not hold", a.Unlock)
	a.mustBe(t, nil)
	panics(t, "does not hold", b.Unlock)
	panics(t, "does not hold", b.MarkConsistent)
	a.Unlock()
	panics(t, "zero value", func() { _, _ = new(Lock).TryLock() })
}

func TestLockClose(t *testing.T) {
	_, a, b := twoLocks(t)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	a.mustBe(t, nil) // the Close of another process does nothing
	done := make(chan bool)
	go func() {
		defer close(done)
		panics(t, "Lock used after Close", func() { b.Lock(context.Background()) })
	}()
	a.Close()
	<-done
	panics(t, "Lock used after Close", func() { a.TryLock() })
	panics(t, "Lock used after Close", a.Unlock)

	c, err := newLock(a.p)
	if err != nil {
		t.Fatal(err)
	}
	if c.word != a.word {
		t.Error("the memory of a closed lock was not used again")
	}
	c.mustBe(t, nil)
	panics(t, "Lock used after Close", a.Unlock)
}

func TestLockTravels(t *testing.T) {
	l := mustLock(t)
	type message struct{ L, None *Lock }
	body, err := msgpack.Marshal(message{L: l})
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := msgpack.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.None != nil || got.L.o.Handle() != l.o.Handle() {
		t.Fatalf("%+v arrived as %+v", l, got)
	}
	l.mustBe(t, nil)
	if ok, _ := got.L.TryLock(); ok {
		t.Error("they are two locks")
	}
	got.L.Unlock()

	_, process := simulate(t)
	_, _, err = decodeMember(msgpack.NewDecoder(bytes.NewReader(body[3:])), process(), kindLock)
	if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "another tree") {
		t.Errorf("%v: want that it is another tree's", err)
	}
	_, _, err = decodeMember(msgpack.NewDecoder(bytes.NewReader(body[3:])), l.p, kindLock+1)
	if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), "kind") {
		t.Errorf("%v: want that it is of another kind", err)
	}
	l.Close()
	if err := msgpack.Unmarshal(body, &got); !errors.Is(err, ErrGone) {
		t.Errorf("%v: want that it was closed", err)
	}
}

// The goroutines of one process wait in Go: one thread for each would be too many.
func TestLockManyGoroutines(t *testing.T) {
	_, a, b := twoLocks(t)
	a.mustBe(t, nil)
	const many = 10_000
	var wg, started sync.WaitGroup
	inside, count := 0, 0
	started.Add(many)
	for range many {
		wg.Go(func() {
			started.Done()
			b.mustBe(t, nil)
			if inside++; inside != 1 {
				t.Error("two goroutines hold the lock")
			}
			count++
			inside--
			b.Unlock()
		})
	}
	started.Wait()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) >= 50 {
		t.Errorf("%d threads", len(threads))
	}
	a.Unlock()
	wg.Wait()
	if count != many {
		t.Errorf("%d of %d had the lock", count, many)
	}
}

func TestLocker(t *testing.T) {
	sim, a, b := twoLocks(t)
	l := a.Locker()
	l.Lock()
	if ok, _ := b.TryLock(); ok {
		t.Error("it locks nothing")
	}
	l.Unlock()
	l.Lock()
	sim.Kill(a.p)
	panics(t, "has died", b.Locker().Lock)
}
