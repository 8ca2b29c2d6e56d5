package manager

import (
	"context"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
)

// A condClient is a client that waits for a cond, and holds something that another learns of its end by.
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

// wait returns when the client waits; the channel has what Wait returns.
func (w condClient) wait(ctx context.Context, t *testing.T, other *Lock) <-chan error {
	check(t, w.lock.Lock(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.cond.Wait(ctx) }()
	check(t, other.Lock(ctx)) // Wait has let it go
	other.Unlock()
	return ended
}

// end closes the client and returns when the server knows.
func (w condClient) end(ctx context.Context, t *testing.T, c *Client, name string) {
	check(t, w.Close())
	wants(t, "what it held", must1(NewLock(ctx, c, Named(name))).Lock(ctx), shared.ErrOwnerDied)
}

// A client that vanishes while it waits for a cond does not hold the lock, and takes nobody's turn with it.
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
	check(t, cond.Notify(ctx, 1)) // the first, which is to have the lock next
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
