package shared

import (
	"context"
	"errors"
	"testing"
	"time"
)

// The holder of a cond's lock is killed before it notifies, and the next holder repairs what the
// lock guards before any of the waiters could see it. They go on all the same.
func TestCondWhoseLockIsRepairedByAnother(t *testing.T) {
	for range 40 {
		sim, process := simulate(t)
		waiter, holder, next := process(), process(), process()
		l, err := newLock(waiter)
		mustNot(t, err)
		c, err := NewCond(l)
		mustNot(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got, repaired := make(chan error), make(chan error)
		go func() {
			err := l.Lock(ctx)
			if err == nil {
				err = c.Wait(ctx)
				l.MarkConsistent() // if it is faster than the other
				l.Unlock()
			}
			got <- err
		}()
		waitUntil(t, func() bool { return c.waiting() == 1 })
		mustNot(t, had(holder, l.o).lock().Lock(ctx))
		go func() {
			l := had(next, l.o).lock()
			err := l.Lock(ctx)
			l.MarkConsistent()
			l.Unlock()
			repaired <- err
		}()
		waitUntil(t, func() bool { return l.word.Load()&lockWaiters != 0 })
		sim.Kill(holder)
		sim.Table.Reap(holder.Tag())
		if err := <-repaired; err != nil && !errors.Is(err, ErrOwnerDied) {
			t.Fatal(err)
		}
		if err := <-got; errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("nobody told the one that waits")
		}
		cancel()
	}
}

// One goroutine of a process is about to join a round that is over when another goroutine has
// joined the next one: the process counts as a member of the next round, so its end breaks the
// barrier.
func TestBarrierJoinedTooLate(t *testing.T) {
	sim, process := simulate(t)
	p, q := process(), process()
	b, err := newBarrier(p, 2)
	mustNot(t, err)
	other := had(q, b.o).barrier()
	over := b.round()
	other.Reset()
	b.join(b.round())
	b.change(b.round(), b.round()+1) // the party arrives
	b.join(over)
	sim.Kill(p)
	sim.Table.Reap(p.Tag())
	if !other.Broken() {
		t.Error("a member was killed, and the barrier is whole")
	}
}

// A process that had waited too long for a permit was killed and not reaped: TryAcquire gets the
// permit all the same.
func TestTryAcquireBehindTheDead(t *testing.T) {
	sim, process := simulate(t)
	p, starved := process(), process()
	s, err := newSemaphore(p, 1, 5)
	mustNot(t, err)
	s.starving.Store(uint32(starved.Tag()))
	sim.Kill(starved)
	waitUntil(t, s.TryAcquire)
}
