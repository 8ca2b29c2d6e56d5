package manager

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

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

func (a *account) Panic() { panic("at the bank") }

var accounts = Register("account", func() *account { return &account{Owner: "nobody"} })

var upper = Func("upper", func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil })

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
