package manager

import (
	"context"
	"errors"
	"sync"
	"testing"

	"mrrun/shared"
)

// serveRemote is serve over TLS.
func serveRemote(tb testing.TB, key []byte, opts ...Option) (address string) {
	tb.Helper()
	l, err := Listen("tcp", ":0", key)
	check(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, opts...) }()
	tb.Cleanup(func() {
		cancel()
		check(tb, <-done)
	})
	return l.Addr().String()
}

func dialRemote(tb testing.TB, address string, key []byte) *Client {
	tb.Helper()
	c, err := DialRemote(within(tb), "tcp", address, key)
	check(tb, err)
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

var double = UpdateFunc("double", func(n int, found bool) int {
	if !found {
		return 1
	}
	return 2 * n
})

var doubled = UpdateFunc("doubled", func(n int, _ bool) int { return 2 * n })

var _ = RegisterKind[*Dict[string, int]]("dict of ints")

// TestObjects checks the contract of all objects over both transports.
func TestObjects(t *testing.T) {
	key := NewKey()
	for name, dial := range map[string]func(t *testing.T) (*Client, *Client){
		"local": func(t *testing.T) (*Client, *Client) { d := serve(t); return d(), d() },
		"remote": func(t *testing.T) (*Client, *Client) {
			a := serveRemote(t, key)
			return dialRemote(t, a, key), dialRemote(t, a, key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := dial(t)
			t.Run("dict", func(t *testing.T) { testDict(t, a) })
			t.Run("list", func(t *testing.T) { testList(t, a) })
			t.Run("value", func(t *testing.T) { testValue(t, a) })
			t.Run("queue", func(t *testing.T) { testQueue(t, a, b) })
			t.Run("lock", func(t *testing.T) { testLock(t, a, b) })
			t.Run("sync", func(t *testing.T) { testSync(t, a, b) })
			t.Run("call", func(t *testing.T) { testCall(t, a) })
			t.Run("pool", func(t *testing.T) { testPool(t, a, b) })
			t.Run("nested", func(t *testing.T) { testNested(t, a, b) })
		})
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestVanished closes 200 clients while each holds or waits for a lock: each next holder is told.
func TestVanished(t *testing.T) {
	dial := serve(t)
	ctx := within(t)
	keeper := dial()
	must1(NewLock(ctx, keeper, Named("lock")))
	sem := must1(NewBoundedSemaphore(ctx, keeper, 200, Named("permits")))
	var all sync.WaitGroup
	for i := range 200 {
		c := dial()
		all.Go(func() {
			l := must1(NewLock(ctx, c, Named("lock")))
			check(t, must1(NewBoundedSemaphore(ctx, c, 200, Named("permits"))).Acquire(ctx))
			if i%3 == 0 {
				go func() { _ = l.Lock(ctx) }() // may get it or not
				_ = c.Close()
				return
			}
			err := l.Lock(ctx)
			if errors.Is(err, shared.ErrOwnerDied) {
				l.MarkConsistent()
			} else if err != nil {
				t.Error(err)
			}
			_ = c.Close()
		})
	}
	all.Wait()
	last := must1(NewLock(ctx, keeper, Named("lock")))
	wants(t, "after the vanished", last.Lock(ctx), shared.ErrOwnerDied)
	last.MarkConsistent()
	last.Unlock()
	check(t, last.Lock(ctx))
	last.Unlock()
	for range 200 {
		check(t, sem.Acquire(ctx)) // all permits have come back
	}
}
