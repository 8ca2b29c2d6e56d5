package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"mrrun/mapreduce"
)

var (
	repeat = mapreduce.Func2(strings.Repeat)

	greet = mapreduce.Command("sh", "-c", `while read name; do echo "hello $name"; done`)

	whereami = mapreduce.FuncContext(func(ctx context.Context, name string) (string, error) {
		w := mapreduce.CurrentWorker(ctx)
		return fmt.Sprintf("%s: item %d, attempt %d", name, w.Index, w.Attempt), nil
	})

	render = mapreduce.FuncContext(func(ctx context.Context, scene string) (string, error) {
		return fmt.Sprintf("%s on device %d", scene, mapreduce.CurrentWorker(ctx).Place), nil
	})

	dice = mapreduce.FuncContext(func(ctx context.Context, rolls int) (sum int, err error) {
		random := mapreduce.Rand(ctx)
		for range rolls {
			sum += 1 + random.IntN(6)
		}
		return sum, nil
	})

	sleep = mapreduce.FuncContext(func(ctx context.Context, d time.Duration) (string, error) {
		select {
		case <-time.After(d):
			return "rested", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	})

	eat = mapreduce.Func(func(bytes int) int { return len(slices.Repeat([]byte{1}, bytes)) })

	hello = mapreduce.Func(func(name string) int { fmt.Println("hello", name); return len(name) })

	report = mapreduce.Func(func(name string) int { slog.Info("at work", "name", name); return len(name) })

	errEmpty = errors.New("the word is empty")

	initial = mapreduce.FuncContext(func(_ context.Context, word string) (string, error) {
		if word == "" {
			return "", fmt.Errorf("no initial: %w", errEmpty)
		}
		return word[:1], nil
	})

	dictionary = mapreduce.NewState(func(_ context.Context, language string) (map[string]string, error) {
		return map[string]string{"one": "eins", "two": "zwei"}, nil // read from a file for this language, say
	}, nil)

	translate = mapreduce.FuncContext(func(ctx context.Context, word string) (string, error) {
		return dictionary.Get(ctx)[word], nil
	})
)

func init() { mapreduce.RegisterError(errEmpty) }

// withOptions is withPool for a pool of one worker with options.
func withOptions(body func(context.Context, *mapreduce.Pool), options ...mapreduce.PoolOption) {
	ctx := context.Background()
	pool, err := mapreduce.NewPool(ctx, append(options, mapreduce.Procs(1))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	body(ctx, pool)
}

func ExampleTask_Apply() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(square.Apply(ctx, pool, 7))
	})
	// Output: 49 <nil>
}

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

func ExampleTask_ImapUnordered() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		sum := 0
		for item, err := range square.ImapUnordered(ctx, pool, slices.Values([]int{1, 2, 3})) {
			if err != nil {
				fmt.Println(err)
				return
			}
			sum += item.Value // in order of completion
		}
		fmt.Println(sum)
	})
	// Output: 14
}

func ExampleItem() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		for item, err := range square.ImapUnordered(ctx, pool, slices.Values([]int{5})) {
			fmt.Println(item.Index, item.Value, err)
		}
	})
	// Output: 0 25 <nil>
}

func ExampleTask_ImapSeq2() {
	lines := func(yield func(int, error) bool) { // for example, reading a file
		_ = yield(1, nil) && yield(2, nil) && yield(0, errors.New("the file is broken"))
	}
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		for n, err := range square.ImapSeq2(ctx, pool, lines) {
			fmt.Println(n, err)
		}
	})
	// Output:
	// 1 <nil>
	// 4 <nil>
	// 0 the file is broken
}

func ExampleFunc2() {
	// var repeat = mapreduce.Func2(strings.Repeat)

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(repeat.Map(ctx, pool, mapreduce.Zip([]string{"a", "b"}, []int{2, 3})))
	})
	// Output: [aa bbb] <nil>
}

func ExampleZip() {
	fmt.Printf("%+v\n", mapreduce.Zip([]string{"a", "b", "c"}, []int{1, 2}))
	// Output: [{A:a B:1} {A:b B:2}]
}

func ExamplePair() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(repeat.Apply(ctx, pool, mapreduce.Pair[string, int]{A: "a", B: 3}))
	})
	// Output: aaa <nil>
}

func ExampleNewState() {
	// var dictionary = mapreduce.NewState(func(_ context.Context, language string) (map[string]string, error) {
	//	return map[string]string{"one": "eins", "two": "zwei"}, nil // read from a file for this language, say
	// }, nil)
	//
	// var translate = mapreduce.FuncContext(func(ctx context.Context, word string) (string, error) {
	//	return dictionary.Get(ctx)[word], nil
	// })

	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(translate.Map(ctx, pool, []string{"two", "one"}))
	}, dictionary.Initializer("German"))
	// Output: [zwei eins] <nil>
}

func ExampleState() {
	withOptions(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := translate.Apply(ctx, pool, "two")
		fmt.Println(strings.Contains(err.Error(), "the pool has no such Initializer"))
	})
	// Output: true
}

func ExampleCommand() {
	// var greet = mapreduce.Command("sh", "-c", `while read name; do echo "hello $name"; done`)

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(greet.Map(ctx, pool, []string{"Ann", "Bob"}))
	})
	// Output: [hello Ann hello Bob] <nil>
}

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

func ExampleCurrentWorker() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(whereami.Map(ctx, pool, []string{"a", "b"}))
	})
	// Output: [a: item 0, attempt 1 b: item 1, attempt 1] <nil>
}

func ExampleWorker() {
	fmt.Printf("%+v\n", mapreduce.CurrentWorker(context.Background())) // outside of a task
	// Output: {ID:0 PID:0 Place:0 Index:0 Attempt:0}
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

// The results depend only on the seed and the index, not on the number of workers.
func ExampleRand() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		rolls := []int{10, 10, 10}
		first, err := dice.Map(ctx, pool, rolls, mapreduce.Seed(1))
		again, err2 := dice.Map(ctx, pool, rolls, mapreduce.Seed(1), mapreduce.Chunksize(3))
		fmt.Println(slices.Equal(first, again), err, err2)
	})
	// Output: true <nil> <nil>
}

func ExampleRegisterError() {
	// func init() { mapreduce.RegisterError(errEmpty) }

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := initial.Apply(ctx, pool, "")
		fmt.Println(errors.Is(err, errEmpty))
	})
	// Output: true
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

func ExamplePool_Resize() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(pool.Resize(4))
		fmt.Println(square.Map(ctx, pool, []int{1, 2, 3}))
		fmt.Println(pool.Resize(0))
	})
	// Output:
	// <nil>
	// [1 4 9] <nil>
	// mapreduce: Resize(0): takes 1 to 1024
}
