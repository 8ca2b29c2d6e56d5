package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"mrrun/mapreduce"
	"mrrun/transport"
)

// Tasks and jobs are registered in package variables, so that every process of the program has
// them.
var (
	square = mapreduce.Func(func(n int) int { return n * n })

	parity = mapreduce.FuncContext(func(_ context.Context, n int) (string, error) {
		if n < 0 {
			return "", fmt.Errorf("%d is negative", n)
		}
		return []string{"even", "odd"}[n%2], nil
	})

	squareAll = mapreduce.Func(func(v transport.View[float64]) transport.View[float64] {
		for i, x := range v.Slice() {
			v.Slice()[i] = x * x
		}
		return v
	})

	exitAtThree = mapreduce.Func(func(n int) int {
		if n == 3 {
			os.Exit(42)
		}
		return n
	})
)

// A program that squares numbers in as many processes as there are cores: this is all of func main.
func ExampleMain() {
	mapreduce.Main(func(ctx context.Context) error {
		pool, err := mapreduce.NewPool(ctx)
		if err != nil {
			return err
		}
		defer pool.Close()
		squares, err := square.Map(ctx, pool, []int{1, 2, 3})
		fmt.Println(squares)
		return err
	})
}

// In tests, TestMain calls Init in place of Main.
func ExampleInit() {
	// func TestMain(m *testing.M) {
	//	mapreduce.Init()
	//	os.Exit(m.Run())
	// }
}

func ExampleNewPool() {
	pool, err := mapreduce.NewPool(context.Background(), mapreduce.Procs(2), mapreduce.Chunksize(100))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(square.Map(context.Background(), pool, []int{1, 2, 3}))

	fmt.Println(pool.Close())
	_, err = square.Map(context.Background(), pool, []int{4})
	fmt.Println(errors.Is(err, mapreduce.ErrClosed))
	// Output:
	// [1 4 9] <nil>
	// <nil>
	// true
}

func ExampleProcs() {
	pool, err := mapreduce.NewPool(context.Background(), mapreduce.Procs(5000))
	fmt.Println(pool, err)
	// Output: <nil> mapreduce: Procs(5000): must be from 1 to 1024, or 0 for as many as there are cores
}

// withPool keeps the examples short.
func withPool(body func(context.Context, *mapreduce.Pool)) {
	ctx := context.Background()
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	body(ctx, pool)
}

func ExampleFunc() {
	// var square = mapreduce.Func(func(n int) int { return n * n })

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(square.Map(ctx, pool, []int{1, 2, 3}))
	})
	// Output: [1 4 9] <nil>
}

func ExampleFuncContext() {
	// var parity = mapreduce.FuncContext(func(_ context.Context, n int) (string, error) {
	//	if n < 0 {
	//		return "", fmt.Errorf("%d is negative", n)
	//	}
	//	return []string{"even", "odd"}[n%2], nil
	// })

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(parity.Map(ctx, pool, []int{1, 2}))
		fmt.Println(parity.Map(ctx, pool, []int{1, -2}))
	})
	// Output:
	// [odd even] <nil>
	// [odd ] item 1 (-2): -2 is negative
}

// Large arrays are not copied out of the memory in which they arrive, neither in the worker nor in
// the driver.
func ExampleTask_Apply_view() {
	// var squareAll = mapreduce.Func(func(v transport.View[float64]) transport.View[float64] {
	//	for i, x := range v.Slice() {
	//		v.Slice()[i] = x * x
	//	}
	//	return v
	// })

	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		numbers := make([]float64, 1_000_000)
		numbers[1], numbers[999_999] = 2, 3
		squares, err := squareAll.Apply(ctx, pool, transport.NewView(numbers))
		if err != nil {
			fmt.Println(err)
			return
		}
		defer squares.Release()
		s := squares.Slice()
		fmt.Println(len(s), s[1], s[999_999], numbers[1])
	})
	// Output: 1000000 4 9 2
}

func ExampleTask_Map() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		squares, err := square.Map(ctx, pool, []int{5, 3, 4})
		fmt.Println(squares, err) // in the order of the arguments
	})
	// Output: [25 9 16] <nil>
}

// The input of Imap may be endless: Imap takes items from it as the consumer goes on.
func ExampleTask_Imap() {
	numbers := func(yield func(int) bool) {
		for n := 1; yield(n); n++ {
		}
	}
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		for n, err := range square.Imap(ctx, pool, numbers) {
			if err != nil {
				fmt.Println(err)
				return
			}
			if n > 20 {
				break
			}
			fmt.Println(n)
		}
	})
	// Output:
	// 1
	// 4
	// 9
	// 16
}

// A failed item does not end an Imap.
func ExampleTask_Imap_errors() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		for what, err := range parity.Imap(ctx, pool, slices.Values([]int{1, -1, 2})) {
			fmt.Printf("%q %v\n", what, err)
		}
	})
	// Output:
	// "odd" <nil>
	// "" item 1 (-1): -1 is negative
	// "even" <nil>
}

func ExampleFold() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		list := slices.Values([]int{1, 2, 3})
		text, err := mapreduce.Fold(ctx, pool, square, list, "squares:", func(text string, n int) (string, error) {
			return fmt.Sprintf("%s %d", text, n), nil
		})
		fmt.Println(text, err)
	})
	// Output: squares: 1 4 9 <nil>
}

func ExampleChunksize() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := square.Map(ctx, pool, make([]int, 1000), mapreduce.Chunksize(300))
		fmt.Println(pool.Stats().Chunks, err) // 300, 300, 300 and 100 items
	})
	// Output: 4 <nil>
}

func ExampleStats() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := square.Map(ctx, pool, make([]int, 1000), mapreduce.Chunksize(300))
		s := pool.Stats()
		fmt.Println(s.Chunks, s.Done, s.Failed, s.Retried, s.Waiting, err)
	})
	// Output: 4 1000 0 0 0 <nil>
}

func ExampleWorkerInfo() {
	pool, err := mapreduce.NewPool(context.Background(), mapreduce.Procs(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	for _, worker := range pool.Workers() {
		fmt.Println(worker.ID, worker.PID != os.Getpid())
	}
	// Output: 1 true
}

func ExampleTaskError() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := parity.Map(ctx, pool, []int{1, -2, 3})
		if item, ok := errors.AsType[*mapreduce.TaskError](err); ok {
			fmt.Println(item.Index, item.Input, item.Msg)
		}
	})
	// Output: 1 -2 -2 is negative
}

// The items that did not fail have results.
func ExampleTaskErrors() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		results, err := parity.Map(ctx, pool, []int{-1, 2, -3})
		if failed, ok := errors.AsType[mapreduce.TaskErrors](err); ok {
			for _, item := range failed {
				fmt.Println(item)
			}
		}
		fmt.Println(results[1])
	})
	// Output:
	// item 0 (-1): -1 is negative
	// item 2 (-3): -3 is negative
	// even
}

// An item that kills its worker is tried again; if it does so every time, it alone fails.
func ExampleWorkerLostError() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		results, err := exitAtThree.Map(ctx, pool, []int{1, 2, 3, 4})
		if lost, ok := errors.AsType[*mapreduce.WorkerLostError](err); ok {
			fmt.Println(lost.Index, lost.Attempts, lost.ExitCode)
		}
		fmt.Println(results)
	})
	// Output:
	// 2 3 42
	// [1 2 0 4]
}

var cube = mapreduce.Func(func(n int) int { return n * n * n }, mapreduce.TaskName("cube"))

func ExampleTaskName() {
	fmt.Println(cube.Name())
	// Output: cube
}
