package manager

import (
	"context"
	"testing"
	"time"
)

// TestMaxConns checks that clients over the limit are refused, that those below it are served, and
// that a client that leaves makes room.
func TestMaxConns(t *testing.T) {
	dial := serve(t, MaxConns(3))
	ctx := within(t)
	first := dial()
	v := must1(NewValue(ctx, first, 0))
	last := dial()
	dial()
	for range 10 {
		if _, err := Dial(ctx, first.Address()); err == nil {
			t.Fatal("a fourth client is served")
		}
		must1(v.Add(ctx, 1))
	}
	check(t, last.Close())
	for {
		c, err := Dial(ctx, first.Address())
		if err == nil {
			check(t, c.Close())
			return
		}
		check(t, ctx.Err())
		time.Sleep(time.Millisecond) // the server has not noticed yet
	}
}

// TestMaxWaiting checks that calls that would wait over the limit are refused, and that others are
// served.
func TestMaxWaiting(t *testing.T) {
	dial := serve(t, MaxWaiting(3))
	ctx := within(t)
	c, other := dial(), dial()
	e := must1(NewEvent(ctx, c, Named("event")))
	waits, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	for range 4 {
		go func() { ended <- e.Wait(waits) }()
	}
	wants(t, "one too many", <-ended, ErrBusy)
	equal(t, "what does not wait", must1(e.IsSet(ctx)), false)
	elsewhere := must1(NewEvent(ctx, other, Named("event")))
	go func() { ended <- elsewhere.Wait(ctx) }()
	cancel()
	for range 3 {
		wants(t, "one that waited", <-ended, context.Canceled)
	}
	go func() { ended <- e.Wait(ctx) }() // there is room again
	check(t, e.Set(ctx))
	for range 2 {
		wants(t, "wait", <-ended, nil)
	}
}
