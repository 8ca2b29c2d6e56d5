package shared

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"
	"time"

	"mrrun/internal/shm"
)

func mustLock(tb testing.TB) *Lock {
	tb.Helper()
	l, err := NewLock()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// Processes are killed at random while they compete for one lock.
func TestLockSurvivesKills(t *testing.T) {
	t.Run("reaped", func(t *testing.T) { killCounters(t, 200, true) })
	t.Run("left to those who wait", func(t *testing.T) { killCounters(t, 50, false) })
}

func killCounters(t *testing.T, kills int, reap bool) {
	l := mustLock(t)
	type running struct {
		cmd *exec.Cmd
		tag shm.Tag
	}
	start := func() running {
		cmd, tag, _ := startHelper(t, "count", l.o)
		return running{cmd, tag}
	}
	all := []running{start(), start(), start()}
	slots := map[shm.Tag]bool{}
	var zombies []running
	end := func(r running) {
		r.cmd.Process.Kill()
		r.cmd.Wait()
		if s := r.cmd.ProcessState.String(); s != "signal: killed" {
			t.Errorf("a helper ended by itself: %s", s)
		}
		l.p.Table().Reap(r.tag)
	}
	random := rand.New(rand.NewPCG(7, 7))
	var recoveries []time.Duration // from the end of a holder to the next count
	for range kills {
		i := random.IntN(len(all))
		time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond) // so that the kill comes anywhere
		began, dead := time.Now(), l.o.Cold(2).Load()
		if reap {
			end(all[i])
		} else {
			all[i].cmd.Process.Kill() // and is not waited for
			zombies = append(zombies, all[i])
		}
		slots[all[i].tag&(1<<14-1)] = true
		before := l.o.Cold(0).Load()
		all[i] = start()
		for deadline := time.Now().Add(10 * time.Second); l.o.Cold(0).Load() == before; {
			if time.Now().After(deadline) {
				t.Fatal("nobody gets the lock any more")
			}
			time.Sleep(100 * time.Microsecond)
		}
		if l.o.Cold(2).Load() > dead {
			recoveries = append(recoveries, time.Since(began))
		}
	}
	for _, r := range append(all, zombies...) {
		end(r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, b, deaths := l.o.Cold(0).Load(), l.o.Cold(1).Load(), l.o.Cold(2).Load()
	switch err := l.Lock(ctx); {
	case errors.Is(err, ErrOwnerDied):
		deaths++
	case err != nil:
		t.Fatal(err)
	case a != b:
		t.Errorf("the counters are %d and %d, and no death was reported", a, b)
	}
	slices.Sort(recoveries)
	t.Logf("%d counted, %d of %d killed while they held the lock, in %d slots; median time to recovery %v",
		a, deaths, kills, len(slots), append(recoveries, 0)[len(recoveries)/2])
	if deaths == 0 {
		t.Error("no process was killed while it held the lock")
	}
	if reap && len(slots) > 8 {
		t.Errorf("%d slots were used for processes of which 3 ran at a time", len(slots))
	}
}

// Where no process reaps the dead, a waiter finds out by itself, at once and not only after the
// next holder.
func TestLockOfKilledHolderIsFoundByPolling(t *testing.T) {
	l := mustLock(t)
	cmd, tag, line := startHelper(t, "hold", l.o)
	if s := line(); s != "held" {
		t.Fatalf("helper says %q", s)
	}
	if ok, err := l.TryLock(); ok || err != nil {
		t.Fatalf("TryLock = %v, %v while another holds it", ok, err)
	}
	got := make(chan error)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	go func() { got <- l.Lock(ctx) }()
	cmd.Process.Kill() // it stays a zombie
	if err := <-got; !errors.Is(err, ErrOwnerDied) {
		t.Errorf("Lock = %v, not that its owner died", err)
	}
	l.MarkConsistent()
	l.Unlock()
	if !l.p.Table().Reaped(tag) {
		t.Error("the slot of the dead was not freed")
	}
	cmd.Wait()
}

func TestTryLockFindsKilledHolder(t *testing.T) {
	l := mustLock(t)
	cmd, _, line := startHelper(t, "hold", l.o)
	line()
	cmd.Process.Kill()
	cmd.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; {
		ok, err := l.TryLock()
		if ok {
			if !errors.Is(err, ErrOwnerDied) {
				t.Errorf("TryLock = %v, not that its owner died", err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("TryLock never notices")
		}
		time.Sleep(time.Millisecond)
	}
}
