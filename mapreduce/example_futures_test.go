package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mrrun/mapreduce"
)

func ExampleTask_ApplyAsync() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		seven, eight := square.ApplyAsync(ctx, pool, 7), square.ApplyAsync(ctx, pool, 8)
		fmt.Println(seven.Get(ctx))
		fmt.Println(eight.Get(ctx))
	})
	// Output:
	// 49 <nil>
	// 64 <nil>
}

func ExampleTask_MapAsync() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		future := square.MapAsync(ctx, pool, []int{1, 2, 3})
		// Do something else meanwhile.
		fmt.Println(future.Get(ctx))
	})
	// Output: [1 4 9] <nil>
}

func ExampleFuture() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		future := square.ApplyAsync(ctx, pool, 7)
		select {
		case <-future.Done():
			fmt.Println(future.Get(ctx)) // does not wait again
		case <-time.After(time.Minute):
			future.Cancel()
		}
	})
	// Output: 49 <nil>
}

func ExampleFuture_Cancel() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		future := sleep.ApplyAsync(ctx, pool, time.Hour)
		future.Cancel()
		_, err := future.Get(ctx)
		fmt.Println(errors.Is(err, mapreduce.ErrCanceled), errors.Is(err, context.Canceled))
	})
	// Output: true true
}

func ExampleFuture_OnDone() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		square.ApplyAsync(ctx, pool, 7).OnDone(func(n int, err error) { fmt.Println(n, err) })
	}) // Close waits for the callback
	// Output: 49 <nil>
}

// The result of a goroutine and that of a pool can be waited for together.
func ExampleGo() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		here := mapreduce.Go(ctx, func(context.Context) (int, error) { return 1 + 1, nil })
		there := square.ApplyAsync(ctx, pool, 7)
		fmt.Println(mapreduce.WaitAll(ctx, here, there))
		fmt.Println(here.Get(ctx))
	})
	// Output:
	// <nil>
	// 2 <nil>
}

func ExampleAsCompleted() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		slow, quick := sleep.ApplyAsync(ctx, pool, 200*time.Millisecond), sleep.ApplyAsync(ctx, pool, 0)
		for i, future := range mapreduce.AsCompleted(ctx, slow, quick) {
			fmt.Println(i, future.Err())
		}
	})
	// Output:
	// 1 <nil>
	// 0 <nil>
}

// Futures of several types need the type argument.
func ExampleWaitAll() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		number, word := square.ApplyAsync(ctx, pool, 7), parity.ApplyAsync(ctx, pool, -7)
		fmt.Println(mapreduce.WaitAll[mapreduce.Pending](ctx, number, word))
	})
	// Output: item 0 (-7): -7 is negative
}

func ExampleWaitFirst() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		slow, quick := sleep.ApplyAsync(ctx, pool, time.Hour), sleep.ApplyAsync(ctx, pool, 0)
		fmt.Println(mapreduce.WaitFirst(ctx, slow, quick))
		slow.Cancel()
	})
	// Output: 1 <nil>
}

func ExampleWaitFirstError() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		good, bad := parity.ApplyAsync(ctx, pool, 7), parity.ApplyAsync(ctx, pool, -7)
		fmt.Println(mapreduce.WaitFirstError(ctx, good, bad))
	})
	// Output: 1 item 0 (-7): -7 is negative
}
