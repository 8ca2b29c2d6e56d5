package manager

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mrrun/shared"
	"mrrun/transport"
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

type account struct {
	Owner   string
	mu      sync.Mutex
	balance int
}

func (a *account) Deposit(n int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n < 0 {
		return 0, errors.New("nothing to deposit")
	}
	a.balance += n
	return a.balance, nil
}

func (a *account) Greet(name []byte) string { return a.Owner + " greets " + string(name) }

func (a *account) Wait(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
func (a *account) Panic()                         { panic("at the bank") }

var accounts = Register("account", func() *account { return &account{Owner: "nobody"} })

var upper = Func("upper", func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil })

var doubled = UpdateFunc("doubled", func(n int, _ bool) int { return 2 * n })

// A counter is locked by its methods, and by the manager.
type counter struct {
	sync.Mutex
	N int
}

func (c *counter) Increment() {
	c.Lock()
	defer c.Unlock()
	c.N++
}

var counters = Register("counter", func() *counter { return &counter{} })

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

func testDict(t *testing.T, c *Client) {
	ctx := within(t)
	d := must1(NewDict[string, int](ctx, c))
	check(t, d.Set(ctx, "a", 1))
	v, found, err := d.Get(ctx, "a")
	equal(t, "get", v, 1)
	equal(t, "found", found, true)
	check(t, err)
	_, found, _ = d.Get(ctx, "b")
	equal(t, "found", found, false)
	equal(t, "add", must1(d.Add(ctx, "a", 4)), 5)
	equal(t, "add to none", must1(d.Add(ctx, "n", -1)), -1)
	equal(t, "cas", must1(d.CompareAndSwap(ctx, "a", 4, 9)), false)
	equal(t, "cas", must1(d.CompareAndSwap(ctx, "a", 5, 9)), true)
	equal(t, "update", must1(d.Update(ctx, "a", double)), 18)
	equal(t, "default", must1(d.SetDefault(ctx, "x", 7)), 7)
	equal(t, "len", must1(d.Len(ctx)), 3)
	equal(t, "items", must1(d.Items(ctx))["a"], 18)
	equal(t, "keys", len(must1(d.Keys(ctx))), 3)
	equal(t, "delete", must1(d.Delete(ctx, "n")), true)
	v, _, _ = d.Pop(ctx, "a")
	equal(t, "pop", v, 18)
	check(t, d.Clear(ctx))
	equal(t, "len", must1(d.Len(ctx)), 0)

	n := must1(NewNamespace(ctx, c, Named("space "+t.Name())))
	check(t, n.Set(ctx, "int8", int8(-5)))
	check(t, n.Set(ctx, "bytes", []byte("x")))
	check(t, n.Set(ctx, "nil", nil))
	got, _, _ := n.Get(ctx, "int8")
	equal(t, "mixed", got, any(int8(-5)))
	wants(t, "mixed", n.Set(ctx, "f", func() {}), ErrType)
	mixed := must1(NewDict[any, int](ctx, c))
	check(t, mixed.Set(ctx, []byte("x"), 1))
	equal(t, "keys", len(must1(mixed.Keys(ctx))), 1)
	_, err = mixed.Items(ctx)
	wants(t, "items", err, ErrType)
	_, err = NewDict[int, int](ctx, c, Named("space "+t.Name()))
	wants(t, "other type", err, ErrType)
	check(t, d.Close())
}

func testList(t *testing.T, c *Client) {
	ctx := within(t)
	l := must1(NewList(ctx, c, []int{1, 2}))
	check(t, l.Append(ctx, 3))
	check(t, l.Extend(ctx, []int{4, 5}))
	check(t, l.Insert(ctx, 0, 0))
	check(t, l.Set(ctx, -1, 50))
	equal(t, "get", must1(l.Get(ctx, -1)), 50)
	equal(t, "pop", must1(l.Pop(ctx, -1)), 50)
	equal(t, "remove", must1(l.Remove(ctx, 2)), true)
	equal(t, "add", must1(l.Add(ctx, 1, 10)), 11)
	equal(t, "slice", len(must1(l.Slice(ctx, 1, 3))), 2)
	equal(t, "len", must1(l.Len(ctx)), 4)
	equal(t, "cas", must1(l.CompareAndSwap(ctx, 0, 1, 100)), false)
	equal(t, "cas", must1(l.CompareAndSwap(ctx, 0, 0, 100)), true)
	equal(t, "update", must1(l.Update(ctx, -1, doubled)), 8)
	check(t, l.Reverse(ctx))
	equal(t, "all", fmt.Sprint(must1(l.All(ctx))), "[8 3 11 100]")
	_, err := l.Update(ctx, 4, doubled)
	wants(t, "update", err, ErrIndex)
	_, err = l.Get(ctx, 4)
	wants(t, "get", err, ErrIndex)
	_, err = l.Get(ctx, -5)
	wants(t, "get", err, ErrIndex)
}

func testValue(t *testing.T, c *Client) {
	ctx := within(t)
	a := must1(NewArray[float64](ctx, c, 3))
	check(t, a.Set(ctx, 1, 2))
	equal(t, "add", must1(a.Add(ctx, 1, 0.5)), 2.5)
	equal(t, "at", must1(a.At(ctx, 1)), 2.5)
	equal(t, "len", must1(a.Len(ctx)), 3)
	check(t, a.Close())
	v := must1(NewValue(ctx, c, 2.5))
	equal(t, "load", must1(v.Load(ctx)), 2.5)
	check(t, v.Store(ctx, 1))
	equal(t, "swap", must1(v.Swap(ctx, 3)), 1)
	equal(t, "add", must1(v.Add(ctx, 0.5)), 3.5)
	equal(t, "cas", must1(v.CompareAndSwap(ctx, 3.5, 4)), true)
	_, err := must1(NewValue(ctx, c, "s")).Add(ctx, "t")
	wants(t, "add", err, ErrType)
}

func testQueue(t *testing.T, a, b *Client) {
	ctx := within(t)
	q := must1(NewQueue[int](ctx, a, 2, Named("queue "+t.Name())))
	other := must1(NewQueue[int](ctx, b, 2, Named("queue "+t.Name())))
	const n = 500
	go func() {
		for i := range n {
			if err := other.Put(ctx, i); err != nil {
				t.Error(err)
			}
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	i := 0
	for v, err := range q.All(ctx) {
		check(t, err)
		equal(t, "order", v, i)
		check(t, q.TaskDone(ctx))
		i++
	}
	equal(t, "values", i, n)
	check(t, q.Join(ctx))
	wants(t, "put", q.Put(ctx, 1), transport.ErrClosed)

	q = must1(NewQueue[int](ctx, a, 1))
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err := q.Get(short)
	wants(t, "get", err, context.DeadlineExceeded)
	equal(t, "try", must1(q.TryPut(ctx, 1)), true)
	equal(t, "try", must1(q.TryPut(ctx, 1)), false)
	wants(t, "put", q.Put(short, 2), context.DeadlineExceeded)
	equal(t, "len", must1(q.Len(ctx)), 1)
}

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

func testCall(t *testing.T, c *Client) {
	ctx := within(t)
	o := must1(accounts.New(ctx, c))
	equal(t, "deposit", must1(Call[int](ctx, o, "Deposit", 5)), 5)
	_, err := Call[int](ctx, o, "Deposit", -5)
	failed, _ := errors.AsType[*CallError](err)
	equal(t, "error", failed != nil && failed.Text == "nothing to deposit", true)
	_, err = Call[int](ctx, o, "Deposit", "five")
	wants(t, "type", err, ErrType)
	_, err = Call[int](ctx, o, "Deposit")
	wants(t, "number", err, ErrType)
	_, err = Call[int](ctx, o, "Steal", 1)
	wants(t, "method", err, ErrNoMethod)
	_, err = Call[struct{}](ctx, o, "Panic")
	equal(t, "panic", err != nil, true)
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = Call[struct{}](short, o, "Wait")
	wants(t, "wait", err, context.DeadlineExceeded)
	equal(t, "get", must1(Call[string](ctx, o, "Get", "Owner")), "nobody")
	must1(Call[struct{}](ctx, o, "Set", "Owner", "me"))
	equal(t, "get", must1(Call[string](ctx, o, "Get", "Owner")), "me")
	equal(t, "func", must1(upper.Call(ctx, c, "abc")), "ABC")
	testLocker(t, c)
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

func testNested(t *testing.T, a, b *Client) {
	ctx := within(t)
	outer := must1(NewDict[string, *Dict[string, int]](ctx, a, Named("outer "+t.Name())))
	inner := must1(NewDict[string, int](ctx, a))
	check(t, outer.Set(ctx, "in", inner))
	check(t, inner.Set(ctx, "x", 1))
	check(t, inner.Close()) // outer keeps it
	got, _, err := must1(NewDict[string, *Dict[string, int]](ctx, b, Named("outer "+t.Name()))).Get(ctx, "in")
	check(t, err)
	equal(t, "value", must1(got.Add(ctx, "x", 1)), 2)
	must1(outer.Delete(ctx, "in"))
	check(t, got.Close())
	_, err = got.Len(ctx)
	wants(t, "gone", err, ErrNoObject)
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
