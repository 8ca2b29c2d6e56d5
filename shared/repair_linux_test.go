package shared

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// dieHolding kills the process of a lock while it holds it.
func dieHolding(t *testing.T, kill func(), l *Lock) {
	t.Helper()
	l.mustBe(t, nil)
	kill()
	l.p.Table().Reap(l.p.Tag())
}

// afterDeath returns the Do methods of locks whose holder has died.
func afterDeath(t *testing.T) (locks map[string]func(f func() error, repairs ...Repair) error) {
	sim, a, b := twoLocks(t)
	dieHolding(t, func() { sim.Kill(a.p) }, a)

	sim, process := simulate(t)
	r, err := newRLock(process())
	mustNot(t, err)
	s := had(process(), r.l.o).rlock()
	dieHolding(t, func() { sim.Kill(r.l.p) }, r.l)

	bg := context.Background()
	return map[string]func(func() error, ...Repair) error{
		"Lock":  func(f func() error, repairs ...Repair) error { return b.Do(bg, f, repairs...) },
		"RLock": func(f func() error, repairs ...Repair) error { return s.Do(bg, f, repairs...) },
	}
}

// After a death inside Do the repairs run first, with the lock held, and then everything goes on.
func TestDoRepairs(t *testing.T) {
	for name, do := range afterDeath(t) {
		t.Run(name, func(t *testing.T) {
			var ran []string
			says := func(s string) func() error { return func() error { ran = append(ran, s); return nil } }
			mustNot(t, do(says("f"), says("first"), says("second")))
			mustNot(t, do(says("again"), says("not needed")))
			if want := []string{"first", "second", "f", "again"}; !slices.Equal(ran, want) {
				t.Errorf("%q ran, want %q", ran, want)
			}
		})
	}
}

// Without a repair, or with one that fails, the lock is lost, and f does not run.
func TestDoWithoutRepair(t *testing.T) {
	failed := errors.New("no copy")
	for _, c := range []struct {
		name    string
		repairs []Repair
		want    error
	}{
		{"none", nil, ErrOwnerDied},
		{"one that fails", []Repair{func() error { return failed }}, failed},
	} {
		for name, do := range afterDeath(t) {
			t.Run(name+" with "+c.name, func(t *testing.T) {
				f := func() error { t.Error("f runs"); return nil }
				must(t, do(f, c.repairs...), c.want)
				must(t, do(f, func() error { t.Error("it is repaired too late"); return nil }), ErrNotRecoverable)
			})
		}
	}
	t.Run("one that panics", func(t *testing.T) {
		do := afterDeath(t)["Lock"]
		panics(t, "ouch", func() { _ = do(nil, func() error { panic("ouch") }) })
		must(t, do(nil), ErrNotRecoverable)
	})
}

// If the process that repairs is killed, too, the next one repairs.
func TestDoRepairsAfterRepairer(t *testing.T) {
	sim, a, b := twoLocks(t)
	p, err := sim.Process()
	mustNot(t, err)
	c := had(p, a.o).lock()
	dieHolding(t, func() { sim.Kill(a.p) }, a)
	b.mustBe(t, ErrOwnerDied)
	sim.Kill(b.p)
	sim.Table.Reap(b.p.Tag())
	repaired := 0
	mustNot(t, c.Do(t.Context(), func() error { return nil }, func() error { repaired++; return nil }))
	if repaired != 1 {
		t.Errorf("repaired %d times", repaired)
	}
}

// A Cond's Wait notices the death: its own repairs run, or else those of Do, and the others go on
// in each case.
func TestDoRepairsWhatCondFinds(t *testing.T) {
	for _, c := range []struct {
		name        string
		do, wait    int // repairs
		want, later error
	}{
		{"by Wait", 1, 1, nil, nil},
		{"by Do", 1, 0, ErrOwnerDied, nil},
		{"by nobody", 0, 0, ErrOwnerDied, ErrNotRecoverable},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, a, b := twoConds(t)
			repaired := 0
			repair := []Repair{func() error { b.l.held("test"); repaired++; return nil }}
			ended := make(chan error)
			go func() {
				ended <- b.l.Do(soon(t), func() error { return b.Wait(soon(t), repair[:c.wait]...) }, repair[:c.do]...)
			}()
			waitUntil(t, func() bool { return b.waiting() == 1 })
			dieHolding(t, func() { sim.Kill(a.p) }, a.l)
			must(t, <-ended, c.want)
			must(t, b.l.Do(soon(t), func() error { return nil }), c.later)
			if want := max(c.do, c.wait); repaired != want {
				t.Errorf("repaired %d times, want %d", repaired, want)
			}
		})
	}
}

// A lock that became unusable while a Cond's Wait had released it is not released again.
func TestDoWhoseCondLosesTheLock(t *testing.T) {
	sim, a, b := twoConds(t)
	p, err := sim.Process()
	mustNot(t, err)
	c := had(p, a.l.o).lock()
	ended := make(chan error)
	go func() { ended <- b.l.Do(soon(t), func() error { return b.Wait(soon(t)) }) }()
	waitUntil(t, func() bool { return b.waiting() == 1 })
	a.l.word.Store(lockLost)
	b.gates[b.p.Tag().Slot()].WakeWaitersAgain()
	must(t, <-ended, ErrNotRecoverable)
	must(t, c.Lock(soon(t)), ErrNotRecoverable)
}
