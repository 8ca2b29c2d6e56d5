package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"mrrun/mapreduce"
)

func ExampleRetries() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := exitAtThree.Apply(ctx, pool, 3, mapreduce.Retries(0))
		if lost, ok := errors.AsType[*mapreduce.WorkerLostError](err); ok {
			fmt.Println(lost.Attempts, lost.ExitCode)
		}
	})
	// Output: 1 42
}

func ExampleTimeout() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := sleep.Map(ctx, pool, []time.Duration{0, time.Hour}, mapreduce.Timeout(time.Second))
		fmt.Println(errors.Is(err, mapreduce.ErrTimeout))
	})
	// Output: true
}

func ExampleMemoryLimit() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		n, err := eat.Apply(ctx, pool, 1000)
		fmt.Println(n, errors.Is(err, mapreduce.ErrMemoryLimit)) // 4 GiB would do
	}, mapreduce.MemoryLimit(1<<30))
	// Output: 1000 false
}

func ExampleMaxTasksPerWorker() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := square.Map(ctx, pool, make([]int, 100), mapreduce.Chunksize(10))
		fmt.Println(pool.Stats().Recycled >= 3, err)
	}, mapreduce.MaxTasksPerWorker(25))
	// Output: true <nil>
}

func ExampleSpares() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := exitAtThree.Apply(ctx, pool, 3) // each time a spare replaces the worker
		fmt.Println(err != nil, pool.Stats().Lost)
	}, mapreduce.Spares(1))
	// Output: true 3
}

func ExampleInProcess() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(square.Map(ctx, pool, []int{1, 2, 3}))
		fmt.Println(pool.Workers()[0].PID == os.Getpid())
	}, mapreduce.InProcess())
	// Output:
	// [1 4 9] <nil>
	// true
}

// The only worker is busy.
func ExampleWaitLimit() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		busy := sleep.ApplyAsync(ctx, pool, time.Hour)
		_, err := square.Apply(ctx, pool, 7, mapreduce.WaitLimit(10*time.Millisecond))
		fmt.Println(errors.Is(err, mapreduce.ErrWaitLimit))
		busy.Cancel()
	})
	// Output: true
}

// Each place of the pool stands for a device.
func ExampleAtPlace() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(render.Map(ctx, pool, []string{"dawn", "noon"}, mapreduce.AtPlace(1)))
		fmt.Println(render.Apply(ctx, pool, "dusk", mapreduce.AtPlace(0)))
	})
	// Output:
	// [dawn on device 1 noon on device 1] <nil>
	// dusk on device 0 <nil>
}

func ExampleOutput() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		_, _ = hello.Apply(ctx, pool, "world")
	}, mapreduce.Output(func(line mapreduce.OutputLine) {
		fmt.Println(line.Worker, line.Text)
	}))
	// Output: 1 hello world
}

func ExampleOutputLine() {
	fmt.Println(mapreduce.OutputLine{Worker: 2, Item: 17, Text: "hello"})
	// Output: [worker 2, item 17] hello
}

func ExampleLogger() {
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: noTime})
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		_, _ = report.Apply(ctx, pool, "Ann")
	}, mapreduce.Logger(handler))
	// Output: level=INFO msg="at work" name=Ann worker=1 item=0
}
