package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

func ExampleCommand() {
	// var greet = mapreduce.Command("sh", "-c", `while read name; do echo "hello $name"; done`)

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(greet.Map(ctx, pool, []string{"Ann", "Bob"}))
	})
	// Output: [hello Ann hello Bob] <nil>
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
	// mapreduce: Resize(0): must be from 1 to 1024
}
