package manager

import (
	"bytes"
	"testing"

	"mrrun/shared"
	"mrrun/transport"
)

// The objects that a client closes go, even if the client waits for another object all the time.
// The object that it waits for stays.
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

// A value that was to be a part of an object that is not made, or that another client makes at the
// same time, holds no references.
func TestObjectsThatAreNotMade(t *testing.T) {
	srv, l := fuzzServer(t, plain)
	ctx := within(t)
	c := clientOf(t, l.dial(t))
	inner := must1(NewEvent(ctx, c))
	value := must1(marshal(srv.instance, inner))
	refs := func() int {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		return srv.objects[inner.id].refs
	}
	whole := transport.NewEncoder(nil)
	whole.Blob(value)
	listOf := func(args []byte) func() (object, error) {
		return func() (object, error) { return makerOf("list")(&session{srv: srv}, transport.NewDecoder(args)) }
	}
	_, err := srv.add("", nature{kind: "list"}, listOf(append(bytes.Clone(whole.Bytes()), 0xc4)))
	equal(t, "a broken list", err != nil, true)
	equal(t, "references", refs(), 1)

	slow := func() (object, error) {
		must1(srv.add("list", nature{kind: "list"}, listOf(whole.Bytes())))
		return listOf(whole.Bytes())()
	}
	must1(srv.add("list", nature{kind: "list"}, slow))
	equal(t, "references, and that of the faster one", refs(), 2)
}
