package shared

import (
	"context"
	"sync"
	"testing"

	"mrrun/internal/shm"
)

func twoConds(tb testing.TB) (sim *shm.Simulation, a, b *Cond) {
	sim, l, m := twoLocks(tb)
	a, err := NewCond(l)
	mustNot(tb, err)
	return sim, a, had(m.p, a.o).cond(m)
}

// waiting returns the number of waiters that were not notified.
func (c *Cond) waiting() (n int) {
	for i := range c.used.Load() {
		if v := c.waiters[i].Load(); v != 0 && v&condNotified == 0 {
			n++
		}
	}
	return n
}

// waits starts a goroutine that waits for the cond, and returns when it waits.
func (c *Cond) waits(tb testing.TB, ctx context.Context, then func(error)) {
	tb.Helper()
	before := c.waiting()
	done := make(chan bool)
	tb.Cleanup(func() { <-done }) // before the table is closed
	go func() {
		defer close(done)
		c.l.mustBe(tb, nil)
		err := c.Wait(ctx)
		then(err)
		c.l.Unlock()
	}()
	waitUntil(tb, func() bool { return c.waiting() > before })
}

func TestCond(t *testing.T) {
	_, a, b := twoConds(t)
	got := make(chan error, 10)
	then := func(err error) { a.l.held("test"); got <- err }
	thenB := func(err error) { b.l.held("test"); got <- err }
	a.waits(t, soon(t), then)
	b.waits(t, soon(t), thenB)
	b.waits(t, soon(t), thenB)
	for n := 3; n > 0; n-- {
		a.l.mustBe(t, nil)
		if n == 1 {
			a.Broadcast()
		} else {
			a.Notify(1)
		}
		if a.waiting() != n-1 {
			t.Errorf("%d wait after one of %d was notified", a.waiting(), n)
		}
		a.l.Unlock()
		mustNot(t, <-got)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	b.waits(t, ctx, thenB)
	a.l.mustBe(t, nil)
	cancel(errEnough) // Wait must get the lock before it returns
	a.l.Unlock()
	must(t, <-got, errEnough)
	if a.waiting() != 0 {
		t.Error("it waits after it has given up")
	}
	b.l.mustBe(t, nil)
	must(t, b.Wait(ctx), errEnough)
	b.l.Unlock()
	panics(t, "does not hold", func() { a.Notify(1) })
	panics(t, "does not hold", func() { _ = a.Wait(ctx) })
	panics(t, "does not hold", func() { _ = a.WaitFor(ctx, nil) })
}

func TestCondWaitFor(t *testing.T) {
	_, a, b := twoConds(t)
	turn, left := a.l.o.Cold(0), a.l.o.Cold(1) // Go variables would be a race to the detector
	left.Store(200)
	ctx := soon(t)
	var wg sync.WaitGroup
	for i, c := range []*Cond{a, b} {
		wg.Go(func() {
			for over := false; !over; c.l.Unlock() {
				c.l.mustBe(t, nil)
				must(t, c.WaitFor(ctx, func() bool { return turn.Load() == uint64(i) || left.Load() == 0 }), nil)
				if over = left.Load() == 0; over {
					continue
				}
				left.Store(left.Load() - 1)
				turn.Store(1 - turn.Load())
				c.Notify(1)
			}
		})
	}
	wg.Wait()
}

// A process that was notified and is killed before it has the lock passes the notification on.
func TestCondNotifiedAndKilled(t *testing.T) {
	for name, reap := range map[string]bool{"reaped": true, "found by polling": false} {
		t.Run(name, func(t *testing.T) {
			sim, a, b := twoConds(t)
			if _, err := a.enter(); err != nil { // and does nothing more: a will be killed
				t.Fatal(err)
			}
			got := make(chan error, 1)
			b.waits(t, soon(t), func(err error) { got <- err })
			b.l.mustBe(t, nil)
			b.Notify(1)
			b.l.Unlock()
			if a.waiters[0].Load() != a.tag|condNotified {
				t.Fatal("the other one was notified")
			}
			sim.Kill(a.p)
			if reap {
				sim.Table.Reap(a.p.Tag())
			}
			mustNot(t, <-got)
			if a.waiters[0].Load() != 0 {
				t.Error("the dead one still waits")
			}
		})
	}
}

// When the lock's holder dies, the waiters notice.
func TestCondHolderDies(t *testing.T) {
	sim, a, b := twoConds(t)
	got := make(chan error, 1)
	b.waits(t, soon(t), func(err error) {
		b.l.MarkConsistent()
		got <- err
	})
	a.l.mustBe(t, nil)
	sim.Kill(a.p)
	sim.Table.Reap(a.p.Tag())
	must(t, <-got, ErrOwnerDied)

	t.Run("and ctx ends", func(t *testing.T) {
		sim, a, b := twoConds(t)
		ctx, cancel := context.WithCancelCause(context.Background())
		got := make(chan error, 1)
		b.waits(t, ctx, func(err error) {
			b.l.MarkConsistent()
			got <- err
		})
		a.l.mustBe(t, nil)
		cancel(errEnough)
		waitUntil(t, func() bool { return a.l.word.Load()&lockWaiters != 0 })
		sim.Kill(a.p)
		err := <-got
		must(t, err, ErrOwnerDied)
		must(t, err, errEnough)
	})
}

func TestCondManyGoroutines(t *testing.T) {
	_, a, b := twoConds(t)
	const many = 2000
	var wg sync.WaitGroup
	ctx := soon(t)
	for range many {
		wg.Go(func() {
			b.l.mustBe(t, nil)
			if err := b.Wait(ctx); err != nil {
				t.Error(err)
			}
			b.l.Unlock()
		})
	}
	waitUntil(t, func() bool { return a.waiting() == many })
	a.l.mustBe(t, nil)
	a.Notify(many / 2)
	if n := a.waiting(); n != many/2 {
		t.Errorf("%d wait after half were notified", n)
	}
	a.Broadcast()
	a.l.Unlock()
	wg.Wait()
}
