package manager

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"mrrun/shared"
)

func testLock(t *testing.T, a, b *Client) {
	ctx := within(t)
	l := must1(NewLock(ctx, a, Named("lock "+t.Name())))
	other := must1(NewLock(ctx, b, Named("lock "+t.Name())))
	n := 0
	var both sync.WaitGroup
	for _, l := range []*Lock{l, other} {
		both.Go(func() {
			for range 200 {
				if err := l.Do(ctx, func() error { n++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	equal(t, "count", n, 400)
	check(t, l.Lock(ctx))
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	wants(t, "lock", other.Lock(short), context.DeadlineExceeded)
	equal(t, "try", must1(other.TryLock()), false)
	l.Unlock()
	equal(t, "try", must1(other.TryLock()), true)
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, ErrNotHeld) {
				t.Error("unlock of another's lock:", err)
			}
		}()
		l.Unlock()
	}()
	other.Unlock()

	r := must1(NewRLock(ctx, a))
	check(t, r.Lock(ctx))
	check(t, r.Lock(ctx))
	check(t, r.Unlock(ctx))
	check(t, r.Unlock(ctx))
	wants(t, "unlock", r.Unlock(ctx), ErrNotHeld)

	cond := must1(NewCond(ctx, l))
	check(t, l.Lock(ctx))
	ready := false
	both.Go(func() {
		if err := other.Lock(ctx); err != nil {
			t.Error(err)
		}
		ready = true
		c2 := &Cond{lock: other, number: cond.number}
		if err := c2.Broadcast(ctx); err != nil {
			t.Error(err)
		}
		other.Unlock()
	})
	check(t, cond.WaitFor(ctx, func() bool { return ready }))
	wants(t, "wait", cond.Wait(short), context.DeadlineExceeded)
	l.Unlock()
	both.Wait()
}

func testSync(t *testing.T, a, b *Client) {
	ctx := within(t)
	e := must1(NewEvent(ctx, a, Named("event "+t.Name())))
	other := must1(NewEvent(ctx, b, Named("event "+t.Name())))
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := other.Wait(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	check(t, e.Set(ctx))
	all.Wait()
	equal(t, "set", must1(e.IsSet(ctx)), true)
	check(t, e.Clear(ctx))

	s := must1(NewBoundedSemaphore(ctx, a, 1))
	check(t, s.Acquire(ctx))
	equal(t, "try", must1(s.TryAcquire(ctx)), false)
	check(t, s.Release())
	wants(t, "release", s.Release(), shared.ErrReleased)
	equal(t, "value", must1(s.Value(ctx)), 1)

	bar := must1(NewBarrier(ctx, a, 3))
	var places [3]int
	for range 3 {
		all.Go(func() {
			place, err := bar.Wait(ctx)
			if err != nil {
				t.Error(err)
			}
			places[place]++
		})
	}
	all.Wait()
	equal(t, "places", places, [3]int{1, 1, 1})
	check(t, bar.Abort(ctx))
	_, err := bar.Wait(ctx)
	wants(t, "broken", err, shared.ErrBroken)
	check(t, bar.Reset(ctx))
	equal(t, "broken", must1(bar.Broken(ctx)), false)
}

// testLocker gets a field while methods change it, for the race detector.
func testLocker(t *testing.T, c *Client) {
	ctx := within(t)
	o := must1(counters.New(ctx, c))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if _, err := Call[struct{}](ctx, o, "Increment"); err != nil {
					t.Error(err)
				}
				if _, err := Call[int](ctx, o, "Get", "N"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	equal(t, "counted", must1(Call[int](ctx, o, "Get", "N")), 200)
	for _, method := range []string{"Lock", "TryLock", "Unlock"} {
		_, err := Call[struct{}](ctx, o, method)
		wants(t, method, err, ErrNoMethod)
	}
	_, err := Call[struct{}](ctx, o, "Set", "Mutex", 0)
	wants(t, "the lock itself", err, ErrNoMethod)
}
