package manager

import (
	"testing"

	"mrrun/shared"
)

// What a client closes goes, though it waits for something else all the time. What it waits for itself stays.
func TestObjectsGoWhileOthersAreWaitedFor(t *testing.T) {
	srv, l := fuzzServer(t, plain)
	ctx := within(t)
	c, other := clientOf(t, l.dial(t)), clientOf(t, l.dial(t))
	barrier := must1(NewBarrier(ctx, c, 2, Named("barrier")))
	lock, held := must1(NewLock(ctx, c, Named("lock"))), must1(NewLock(ctx, other, Named("lock")))
	check(t, held.Lock(ctx))
	ended := make(chan error)
	go func() { ended <- lock.Lock(ctx) }()
	go func() { _, err := barrier.Wait(ctx); ended <- err }()
	awaitParties(ctx, barrier, 1)

	outer := must1(NewDict[int, *Dict[int, int]](ctx, c, Named("outer")))
	for i := range 100 {
		inner := must1(NewDict[int, int](ctx, c))
		check(t, outer.Set(ctx, i%3, inner))
		check(t, inner.Close())
	}
	check(t, outer.Clear(ctx))
	srv.mu.Lock()
	equal(t, "objects", len(srv.objects), 3)
	srv.mu.Unlock()

	check(t, barrier.Abort(ctx))
	wants(t, "barrier", <-ended, shared.ErrBroken)
	check(t, lock.Close())
	held.Unlock()
	check(t, <-ended)
	check(t, c.Close())
	wants(t, "the lock of one that is gone", held.Lock(ctx), shared.ErrOwnerDied)
}
