package manager

import (
	"context"
	"fmt"
	"testing"
	"time"

	"mrrun/transport"
)

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
