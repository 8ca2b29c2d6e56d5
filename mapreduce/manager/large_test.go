//go:build linux

package manager

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"mrrun/mapreduce"
	"mrrun/transport"
)

// repeat makes large results from small arguments.
var repeat = Func("test repeat", func(_ context.Context, n int) ([]byte, error) { return make([]byte, n), nil })

var complain = Func("test complain", func(_ context.Context, n int) (int, error) {
	return 0, errors.New(strings.Repeat("é", n/2))
})

var grow = UpdateFunc("test grow", func(b []byte, _ bool) []byte { return append(b, make([]byte, 1<<18)...) })

var repeatTask = PoolTask("test repeat", mapreduce.Func(func(n int) []byte { return make([]byte, n) }))

var sizeTask = PoolTask("test size", mapreduce.Func(func(b []byte) int { return len(b) }))

// tooLarge fails the test unless err tells the size of a message and the limit.
func tooLarge(t *testing.T, what string, err error, limit uint64) {
	t.Helper()
	size, ok := errors.AsType[*transport.SizeError](err)
	if !ok || size.Size <= limit || size.Limit != limit || !strings.Contains(err.Error(), fmt.Sprint(size.Size)) {
		t.Errorf("%s: %v", what, err)
	}
	if errors.Is(err, ErrLost) {
		t.Errorf("%s: the connection is lost", what)
	}
}

// onBothTransports runs a test with a server that takes messages of at most limit bytes, locally
// and over TLS.
func onBothTransports(t *testing.T, limit int, test func(*testing.T, func(...Option) *Client)) {
	t.Run("local", func(t *testing.T) {
		first := serve(t, MaxMessage(limit))()
		test(t, func(opts ...Option) *Client {
			c := must1(Dial(within(t), first.Address(), opts...))
			t.Cleanup(func() { _ = c.Close() })
			return c
		})
	})
	t.Run("remote", func(t *testing.T) {
		key := NewKey()
		address := serveRemote(t, key, MaxMessage(limit))
		test(t, func(opts ...Option) *Client {
			c := must1(DialRemote(within(t), "tcp", address, key, opts...))
			t.Cleanup(func() { _ = c.Close() })
			return c
		})
	})
}

// Arguments that are too large make their call return an error: nothing is done, and the client
// keeps what it holds.
func TestTooLargeForTheManager(t *testing.T) {
	const limit = 1 << 18
	onBothTransports(t, limit, func(t *testing.T, dial func(...Option) *Client) {
		ctx, c := within(t), dial()
		lock := must1(NewLock(ctx, c, Named("lock")))
		check(t, lock.Lock(ctx))
		dict, list := must1(NewDict[string, []byte](ctx, c)), must1(NewList(ctx, c, [][]byte{{1}, {2}}))
		value, queue := must1(NewValue(ctx, c, []byte{1})), must1(NewQueue[[]byte](ctx, c, 9))
		array, bank := must1(NewArray[[]byte](ctx, c, 2)), must1(accounts.New(ctx, c))
		pool := must1(NewPool(ctx, c, 1))
		large, key := make([]byte, limit), strings.Repeat("k", limit)
		second := func(_ any, err error) error { return err }
		for what, err := range map[string]error{
			"Dict.Set":              dict.Set(ctx, "k", large),
			"Dict.Set of a key":     dict.Set(ctx, key, nil),
			"Dict.SetDefault":       second(dict.SetDefault(ctx, "k", large)),
			"Dict.CompareAndSwap":   second(dict.CompareAndSwap(ctx, "k", nil, large)),
			"Dict.Delete":           second(dict.Delete(ctx, key)),
			"List.Set":              list.Set(ctx, 0, large),
			"List.Append":           list.Append(ctx, large),
			"List.Extend":           list.Extend(ctx, [][]byte{large[:limit/2], large[:limit/2]}),
			"List.Insert":           list.Insert(ctx, 0, large),
			"List.Remove":           second(list.Remove(ctx, large)),
			"List.CompareAndSwap":   second(list.CompareAndSwap(ctx, 0, large, nil)),
			"Value.Store":           value.Store(ctx, large),
			"Value.Swap":            second(value.Swap(ctx, large)),
			"Array.Set":             array.Set(ctx, 0, large),
			"Queue.Put":             queue.Put(ctx, large),
			"Queue.TryPut":          second(queue.TryPut(ctx, large)),
			"Call":                  second(Call[string](ctx, bank, "Greet", large)),
			"Func.Call":             second(upper.Call(ctx, c, key)),
			"PoolTask.Map":          second(sizeTask.Map(ctx, pool, [][]byte{large})),
			"NewValue":              second(NewValue(ctx, c, large)),
			"NewList":               second(NewList(ctx, c, [][]byte{large})),
			"NewDict":               second(NewDict[int, int](ctx, c, Named(key))),
			"NewArray":              second(NewArray[float64](ctx, c, 1<<40)),
			"NewArray of words":     second(NewArray[string](ctx, c, math.MaxInt)),
			"NewArray of one more":  second(NewArray[float64](ctx, c, limit/11+1)),
			"NewArray with a name":  second(NewArray[float64](ctx, c, 1<<40, Named("array"))),
			"NewArray once more":    second(NewArray[float64](ctx, c, 1<<60)),
			"NewArray of one place": second(NewArray[[1000]int](ctx, c, 1<<20)),
		} {
			tooLarge(t, what, err, limit)
		}
		for what, err := range map[string]error{
			"NewArray":            second(NewArray[float64](ctx, c, -1)),
			"NewQueue":            second(NewQueue[int](ctx, c, -1)),
			"NewQueue, huge":      second(NewQueue[int](ctx, c, math.MaxInt)),
			"NewSemaphore":        second(NewSemaphore(ctx, c, -1)),
			"NewBoundedSemaphore": second(NewBoundedSemaphore(ctx, c, math.MinInt)),
			"NewBarrier":          second(NewBarrier(ctx, c, -1)),
			"NewBarrier, huge":    second(NewBarrier(ctx, c, math.MaxInt)),
			"NewPool":             second(NewPool(ctx, c, -1)),
			"NewPool, huge":       second(NewPool(ctx, c, math.MaxInt)),
		} {
			if err == nil || errors.Is(err, ErrLost) {
				t.Errorf("%s: %v", what, err)
			}
		}

		lock.Unlock() // panics if this client does not hold it
		equal(t, "keys", must1(dict.Len(ctx)), 0)
		equal(t, "elements", must1(list.Len(ctx)), 2)
		equal(t, "values", must1(queue.Len(ctx)), 0)
		check(t, dict.Set(ctx, "k", large[:limit-100]))
		equal(t, "elements of an array", must1(must1(NewArray[float64](ctx, c, limit/11)).Len(ctx)), limit/11)
		huge := must1(NewSemaphore(ctx, c, math.MaxInt))
		check(t, huge.Acquire(ctx))
		equal(t, "permits", must1(huge.Value(ctx)), math.MaxInt-1)
	})
}

// An answer that is too large for its client makes the call return an error and changes nothing.
func TestTooLargeForTheClient(t *testing.T) {
	const limit, size = 1 << 14, 1 << 16
	onBothTransports(t, 64<<20, func(t *testing.T, dial func(...Option) *Client) {
		ctx, maker := within(t), dial()
		large := make([]byte, size)
		dict, queue := must1(NewDict[int, []byte](ctx, maker, Named("dict"))), must1(NewQueue[[]byte](ctx, maker, 9, Named("queue")))
		must1(NewList(ctx, maker, [][]byte{large}, Named("list")))
		must1(NewValue(ctx, maker, large, Named("value")))
		check(t, errors.Join(dict.Set(ctx, 1, large), queue.Put(ctx, large)))

		c := dial(MaxMessage(limit))
		lock := must1(NewLock(ctx, c))
		check(t, lock.Lock(ctx))
		dict, list := must1(NewDict[int, []byte](ctx, c, Named("dict"))), must1(NewList[[]byte](ctx, c, nil, Named("list")))
		value, queue := must1(NewValue[[]byte](ctx, c, nil, Named("value"))), must1(NewQueue[[]byte](ctx, c, 9, Named("queue")))
		pool := must1(NewPool(ctx, c, 1))
		second := func(_ any, err error) error { return err }
		third := func(_ []byte, _ bool, err error) error { return err }
		for what, err := range map[string]error{
			"Dict.Get":        third(dict.Get(ctx, 1)),
			"Dict.Pop":        third(dict.Pop(ctx, 1)),
			"Dict.Items":      second(dict.Items(ctx)),
			"Dict.SetDefault": second(dict.SetDefault(ctx, 1, nil)),
			"Dict.Update":     second(dict.Update(ctx, 1, grow)),
			"Dict.Update one": second(dict.Update(ctx, 2, grow)),
			"List.Get":        second(list.Get(ctx, 0)),
			"List.Pop":        second(list.Pop(ctx, 0)),
			"List.All":        second(list.All(ctx)),
			"List.Slice":      second(list.Slice(ctx, 0, 1)),
			"List.Update":     second(list.Update(ctx, 0, grow)),
			"Value.Load":      second(value.Load(ctx)),
			"Value.Swap":      second(value.Swap(ctx, nil)),
			"Value.Update":    second(value.Update(ctx, grow)),
			"Queue.Get":       second(queue.Get(ctx)),
			"Queue.TryGet":    third(queue.TryGet(ctx)),
			"Func.Call":       second(repeat.Call(ctx, c, size)),
			"PoolTask.Map":    second(repeatTask.Map(ctx, pool, []int{size})),
		} {
			tooLarge(t, what, err, limit)
		}
		_, err := complain.Call(ctx, c, size)
		if failed, ok := errors.AsType[*CallError](err); !ok || len(failed.Text) < limit/4 || strings.Contains(failed.Text, "\ufffd") {
			t.Errorf("an error with a long text: %v", err)
		}

		waiting := make(chan error)
		got := must1(queue.Len(ctx))
		equal(t, "values", got, 1)
		check(t, second(must1(NewQueue[[]byte](ctx, maker, 9, Named("queue"))).Get(ctx)))
		go func() { waiting <- second(queue.Get(ctx)) }()
		check(t, must1(NewQueue[[]byte](ctx, maker, 9, Named("queue"))).Put(ctx, large))
		tooLarge(t, "Queue.Get that waits", <-waiting, limit)

		lock.Unlock()
		equal(t, "length", len(must1(must1(NewQueue[[]byte](ctx, maker, 9, Named("queue"))).Get(ctx))), size)
		equal(t, "length", len(must1(must1(NewValue[[]byte](ctx, maker, nil, Named("value"))).Load(ctx))), size)
		equal(t, "keys", must1(dict.Len(ctx)), 1)
		equal(t, "elements", must1(list.Len(ctx)), 1)
		check(t, dict.Set(ctx, 2, large[:limit/2]))
		equal(t, "an answer that fits", len(must1(dict.SetDefault(ctx, 2, nil))), limit/2)
	})
}

// A client that sends more than the server allows ends its own connection and no other.
func TestLargeMessageOfAnUnrulyClient(t *testing.T) {
	good := serve(t, MaxMessage(1<<16))()
	l := rawCarrier(t, good.Address())
	go func() { _, _ = l.Write(frame(kindCall, 1, func(e *transport.Encoder) { e.Blob(make([]byte, 1<<17)) })) }()
	if n, err := l.Read(make([]byte, 100)); err == nil {
		t.Errorf("it has an answer of %d bytes", n)
	}
	must1(NewLock(within(t), good))
}
