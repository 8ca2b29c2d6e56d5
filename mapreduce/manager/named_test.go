package manager

import (
	"strings"
	"testing"
)

var otherAccounts = Register("test other account", func() *account { return &account{} })

// A name stands for one object: a client that asks for another kind, other types, another bound,
// size or number of parties gets an error that says what the object is.
func TestNamedObjectsOfAnotherNature(t *testing.T) {
	ctx := within(t)
	dial := serve(t)
	c, other := dial(), dial()
	second := func(_ any, err error) error { return err }
	makers := make(map[string]func(Conn, ObjectOption) error)
	for name, get := range map[string]func(Conn, ObjectOption) error{
		"dict":       func(c Conn, o ObjectOption) error { return second(NewDict[int, int](ctx, c, o)) },
		"other dict": func(c Conn, o ObjectOption) error { return second(NewDict[int, string](ctx, c, o)) },
		"list":       func(c Conn, o ObjectOption) error { return second(NewList(ctx, c, []int{1}, o)) },
		"array":      func(c Conn, o ObjectOption) error { return second(NewArray[int](ctx, c, 3, o)) },
		"array of 4": func(c Conn, o ObjectOption) error { return second(NewArray[int](ctx, c, 4, o)) },
		"value":      func(c Conn, o ObjectOption) error { return second(NewValue(ctx, c, 1, o)) },
		"queue":      func(c Conn, o ObjectOption) error { return second(NewQueue[int](ctx, c, 3, o)) },
		"queue of 4": func(c Conn, o ObjectOption) error { return second(NewQueue[int](ctx, c, 4, o)) },
		"lock":       func(c Conn, o ObjectOption) error { return second(NewLock(ctx, c, o)) },
		"rlock":      func(c Conn, o ObjectOption) error { return second(NewRLock(ctx, c, o)) },
		"semaphore":  func(c Conn, o ObjectOption) error { return second(NewSemaphore(ctx, c, 3, o)) },
		"4 permits":  func(c Conn, o ObjectOption) error { return second(NewSemaphore(ctx, c, 4, o)) },
		"bounded":    func(c Conn, o ObjectOption) error { return second(NewBoundedSemaphore(ctx, c, 3, o)) },
		"4 bounded":  func(c Conn, o ObjectOption) error { return second(NewBoundedSemaphore(ctx, c, 4, o)) },
		"event":      func(c Conn, o ObjectOption) error { return second(NewEvent(ctx, c, o)) },
		"barrier":    func(c Conn, o ObjectOption) error { return second(NewBarrier(ctx, c, 3, o)) },
		"4 parties":  func(c Conn, o ObjectOption) error { return second(NewBarrier(ctx, c, 4, o)) },
		"pool":       func(c Conn, o ObjectOption) error { return second(NewPool(ctx, c, 1, o)) },
		"2 workers":  func(c Conn, o ObjectOption) error { return second(NewPool(ctx, c, 2, o)) },
		"account":    func(c Conn, o ObjectOption) error { return second(accounts.New(ctx, c, o)) },
		"account 2":  func(c Conn, o ObjectOption) error { return second(otherAccounts.New(ctx, c, o)) },
	} {
		makers[name] = get
		check(t, get(c, Named(name)))
	}
	for name := range makers {
		for asked, get := range makers {
			var want error
			if asked != name {
				want = ErrType
			}
			wants(t, asked+" named "+name, get(other, Named(name)), want)
		}
	}
	check(t, second(NewPool(ctx, other, 0, Named("pool"))))
	check(t, second(NewList(ctx, other, []int{2, 3}, Named("list"))))
	check(t, second(NewValue(ctx, other, 2, Named("value"))))
	err := second(NewSemaphore(ctx, other, 3, Named("bounded")))
	if want := `"bounded" is a bounded semaphore of 3 permits, not a semaphore of 3 permits`; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
