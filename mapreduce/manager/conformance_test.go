//go:build linux

package manager

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"mrrun/shared"
)

// set is what the tests need of an event besides [shared.Signal].
type set func(ctx context.Context) error

// TestSameAsShared runs one table of tests against the primitives of package shared and those of a
// manager.
func TestSameAsShared(t *testing.T) {
	ctx := within(t)
	c := serve(t)()
	sharedEvent := must1(shared.NewEvent())
	managerEvent := must1(NewEvent(ctx, c))
	for name, p := range map[string]struct {
		lock    shared.Locker
		rlock   shared.RLocker
		sem     shared.Acquirer // bounded, with one permit
		event   shared.Signal
		set     set
		barrier shared.Meeting // for two parties
	}{
		"shared": {must1(shared.NewLock()), must1(shared.NewRLock()), must1(shared.NewBoundedSemaphore(1)), sharedEvent,
			func(context.Context) error { sharedEvent.Set(); return nil }, must1(shared.NewBarrier(2))},
		"manager": {must1(NewLock(ctx, c)), must1(NewRLock(ctx, c)), must1(NewBoundedSemaphore(ctx, c, 1)), managerEvent,
			managerEvent.Set, must1(NewBarrier(ctx, c, 2))},
	} {
		t.Run(name, func(t *testing.T) {
			ended, cancel := context.WithCancelCause(ctx)
			cause := errors.New("enough")
			cancel(cause)

			check(t, p.lock.Lock(ended)) // works: it is free
			wants(t, "lock", p.lock.Lock(ended), cause)
			held, err := p.lock.TryLock()
			equal(t, "try", held, false)
			check(t, err)
			p.lock.Unlock()
			own := errors.New("own")
			wants(t, "do", p.lock.Do(ctx, func() error { return own }), own)
			check(t, p.lock.Do(ctx, func() error { return nil }))
			equal(t, "unlock panics", panics(p.lock.Unlock), true)

			check(t, p.rlock.Lock(ctx))
			check(t, p.rlock.Lock(ctx))
			check(t, p.rlock.Unlock(ctx))
			held, err = p.rlock.TryLock(ctx)
			equal(t, "try", held, true)
			check(t, err)
			check(t, p.rlock.Unlock(ctx))
			check(t, p.rlock.Unlock(ctx))

			check(t, p.sem.Acquire(ended))
			wants(t, "acquire", p.sem.Acquire(ended), cause)
			check(t, p.sem.Release())
			wants(t, "release", p.sem.Release(), shared.ErrReleased)

			wants(t, "event", p.event.Wait(ended), cause)
			check(t, p.set(ctx))
			check(t, p.event.Wait(ended))

			var places [2]int
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					place, err := p.barrier.Wait(ctx)
					if err != nil {
						t.Error(err)
						return
					}
					places[place]++
				})
			}
			both.Wait()
			equal(t, "places", places, [2]int{1, 1})
			short, cancelShort := context.WithTimeout(ctx, time.Millisecond)
			defer cancelShort()
			_, err = p.barrier.Wait(short)
			wants(t, "barrier", err, shared.ErrBroken)
			wants(t, "barrier", err, context.DeadlineExceeded)
		})
	}
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}
