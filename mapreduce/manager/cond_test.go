package manager

import (
	"context"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
	"mrrun/transport"
)

// A condClient is a client that waits for a cond, and that holds a lock, life, by which another
// client notices its end.
type condClient struct {
	*Client
	lock *Lock
	cond *Cond
	life *Lock
}

func newCondClient(ctx context.Context, t *testing.T, c *Client, name string) condClient {
	l := must1(NewLock(ctx, c, Named("lock")))
	w := condClient{c, l, &Cond{lock: l}, must1(NewLock(ctx, c, Named(name)))}
	check(t, w.life.Lock(ctx))
	return w
}

// wait calls Wait in a goroutine and returns when the client waits. The channel gets the result of
// Wait.
func (w condClient) wait(ctx context.Context, t *testing.T, other *Lock) <-chan error {
	check(t, w.lock.Lock(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.cond.Wait(ctx) }()
	check(t, other.Lock(ctx)) // Wait has released it
	other.Unlock()
	return ended
}

// end closes the client and returns when the server has noticed.
func (w condClient) end(ctx context.Context, t *testing.T, c *Client, name string) {
	check(t, w.Close())
	wants(t, "what it held", must1(NewLock(ctx, c, Named(name))).Lock(ctx), shared.ErrOwnerDied)
}

// A client that vanishes while it waits for a cond does not hold the lock, and takes no other
// client's turn with it.
func TestCondWhoseWaiterVanishes(t *testing.T) {
	ctx := within(t)
	dial := serve(t)
	c := dial()
	lock := must1(NewLock(ctx, c, Named("lock")))
	cond := must1(NewCond(ctx, lock))
	first, second := newCondClient(ctx, t, dial(), "first"), newCondClient(ctx, t, dial(), "second")
	first.wait(ctx, t, lock)
	ended := second.wait(ctx, t, lock)

	check(t, lock.Lock(ctx))
	check(t, cond.Notify(ctx, 1)) // wakes the first, which gets the lock next
	first.end(ctx, t, c, "first")
	lock.Unlock()
	check(t, <-ended)
	second.lock.Unlock()

	second.wait(ctx, t, lock)
	second.end(ctx, t, c, "second")
	check(t, lock.Lock(ctx))
	lock.Unlock()
}

func TestEmptyCond(t *testing.T) {
	var c Cond
	wants(t, "wait", c.Wait(within(t)), ErrNoObject)
	wants(t, "notify", c.Notify(within(t), 1), ErrNoObject)
	_, err := msgpack.Marshal(&c)
	equal(t, "it is not sent", err != nil, true)
}

// A cond is sent as one value, so that code that checks or skips received values handles it as one.
func TestSentCond(t *testing.T) {
	ctx := within(t)
	c := serve(t)()
	lock := must1(NewLock(ctx, c))
	must1(NewCond(ctx, lock))
	sent := must1(msgpack.Marshal(must1(NewCond(ctx, lock))))
	wants(t, "whole", transport.CheckWhole(sent), nil)
	equal(t, "a part of it is not whole", transport.CheckWhole(sent[:len(sent)-1]) != nil, true)
	var received Cond
	check(t, msgpack.Unmarshal(sent, &received))
	check(t, lock.Lock(ctx))
	check(t, received.Notify(ctx, 1))
	wants(t, "nobody notifies", received.Wait(short(t)), context.DeadlineExceeded)
	lock.Unlock()
	equal(t, "no cond is received", msgpack.Unmarshal([]byte{0x91, 1}, &received) != nil, true)
}

func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
