package manager

import (
	"errors"
	"testing"

	"mrrun/shared"
)

// TestDoRepairs makes clients vanish that hold a lock: the repairs of Do and Wait run first, and
// all others go on; without repairs the lock is lost.
func TestDoRepairs(t *testing.T) {
	ctx := within(t)
	dial := serve(t)
	c := dial()
	vanish := func(name string) {
		t.Helper()
		holder := dial()
		check(t, must1(NewLock(ctx, holder, Named(name))).Lock(ctx))
		check(t, holder.Close())
	}
	repaired := 0
	repair := shared.Repair(func() error { repaired++; return nil })
	ran := 0
	f := func() error { ran++; return nil }

	lock := must1(NewLock(ctx, c, Named("lock")))
	vanish("lock")
	check(t, lock.Do(ctx, f, repair))
	check(t, lock.Do(ctx, f, repair))
	equal(t, "repaired", repaired, 1)

	rlock := must1(NewRLock(ctx, c, Named("rlock")))
	holder := dial()
	check(t, must1(NewRLock(ctx, holder, Named("rlock"))).Lock(ctx))
	check(t, holder.Close())
	check(t, rlock.Do(ctx, func() error { return rlock.Do(ctx, f, repair) }, repair))
	equal(t, "repaired", repaired, 2)
	equal(t, "ran", ran, 3)
	wants(t, "unlock", rlock.Unlock(ctx), ErrNotHeld)

	cond := must1(NewCond(ctx, lock))
	for _, waits := range [][]shared.Repair{{repair}, nil} {
		ended := make(chan error, 1)
		waiting := make(chan bool)
		go func() {
			ended <- lock.Do(ctx, func() error { close(waiting); return cond.Wait(ctx, waits...) }, repair)
		}()
		<-waiting
		vanish("lock")
		err := <-ended
		equal(t, "the death is told", errors.Is(err, shared.ErrOwnerDied), waits == nil)
		check(t, lock.Do(ctx, f, repair))
	}
	equal(t, "repaired", repaired, 4)

	for name, repairs := range map[string][]shared.Repair{
		"none": nil, "failed": {func() error { return errors.New("no copy") }},
	} {
		lock := must1(NewLock(ctx, c, Named(name)))
		vanish(name)
		equal(t, name, lock.Do(ctx, f, repairs...) != nil, true)
		wants(t, name, lock.Do(ctx, f, repair), shared.ErrNotRecoverable)
	}
	equal(t, "ran", ran, 5)
}

// A lock that became unusable while a Cond's Wait had released it is not released again.
func TestDoWhoseCondLosesTheLock(t *testing.T) {
	ctx := within(t)
	dial := serve(t)
	c := dial()
	lock := must1(NewLock(ctx, c, Named("lock")))
	cond := must1(NewCond(ctx, lock))
	waiter := dial()
	theirs := &Cond{lock: must1(NewLock(ctx, waiter, Named("lock"))), number: cond.number}
	ended := make(chan error, 1)
	waiting := make(chan bool)
	go func() {
		ended <- theirs.lock.Do(ctx, func() error { close(waiting); return theirs.Wait(ctx) })
	}()
	<-waiting
	check(t, lock.Lock(ctx)) // Wait has released it
	holder := dial()
	theirLock := must1(NewLock(ctx, holder, Named("lock")))
	next := make(chan error, 1)
	go func() { next <- theirLock.Lock(ctx) }()
	lock.Unlock()
	check(t, <-next)
	check(t, holder.Close())
	// One of the two gets it with ErrOwnerDied, and releases it.
	first := lock.Do(ctx, func() error { return nil })
	second := <-ended
	died := errors.Is(first, shared.ErrOwnerDied)
	equal(t, "one learns of the death", errors.Is(second, shared.ErrOwnerDied), !died)
	equal(t, "the other of the loss", errors.Is(first, shared.ErrNotRecoverable) || errors.Is(second, shared.ErrNotRecoverable), true)
}
