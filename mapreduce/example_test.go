package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

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

// WordCount counts how often each word of at least MinLen bytes occurs. Its fields are the
// parameters of a run.
type WordCount struct{ MinLen int }

func (w WordCount) Map(_ context.Context, text string, emit func(string, int)) error {
	for word := range strings.FieldsSeq(text) {
		if len(word) >= w.MinLen {
			emit(word, 1)
		}
	}
	return nil
}

func (WordCount) Combine(a, b int) int { return a + b }

var wordCount = mapreduce.NewJob[WordCount]("word count")

func ExampleNewJob() {
	// var wordCount = mapreduce.NewJob[WordCount]("word count")

	fmt.Println(wordCount.Name())
	// Output: word count
}

func ExampleJob_Run() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		lines := []string{"the cat and the dog", "a dog is a dog"}
		counts, err := wordCount.Run(ctx, pool, WordCount{MinLen: 3}, lines)
		fmt.Println(counts, err)
	})
	// Output: map[and:1 cat:1 dog:3 the:2] <nil>
}

// Letters counts letters. The embedded Count adds the numbers that Map emits.
type Letters struct{ mapreduce.Count }

func (Letters) Map(_ context.Context, line string, emit func(string, int64)) error {
	for _, letter := range line {
		emit(string(letter), 1)
	}
	return nil
}

var letters = mapreduce.NewJob[Letters]("letters")

func ExampleJob_Results() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		counts, err := letters.Results(ctx, pool, Letters{}, []string{"abracadabra", "abba"})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer counts.Close()
		for letter, n := range counts.Ranked() {
			fmt.Print(letter, n, " ")
		}
		fmt.Println(counts.Len(), counts.Err())
	})
	// Output: a7 b4 r2 c1 d1 5 <nil>
}

func ExampleResult() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		counts, err := letters.Results(ctx, pool, Letters{}, []string{"abracadabra", "abba"})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer counts.Close()
		fmt.Println(counts.Get("b"))
		fmt.Println(counts.Top(2, func(a, b mapreduce.Entry[string, int64]) bool { return a.Value > b.Value }))
	})
	// Output:
	// 4 true <nil>
	// [{a 7} {b 4}] <nil>
}

// Extremes finds the largest number with each last digit.
type Extremes struct{ mapreduce.Max[int] }

func (Extremes) Map(_ context.Context, n int, emit func(int, int)) error {
	emit(n%10, n)
	return nil
}

var extremes = mapreduce.NewJob[Extremes]("extremes")

func ExampleMax() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(extremes.Run(ctx, pool, Extremes{}, []int{13, 23, 4, 3, 14}))
	})
	// Output: map[3:23 4:14] <nil>
}

// Bounds finds the smallest number with each last digit.
type Bounds struct{ mapreduce.Min[int] }

func (Bounds) Map(ctx context.Context, n int, emit func(int, int)) error {
	return Extremes{}.Map(ctx, n, emit)
}

var bounds = mapreduce.NewJob[Bounds]("bounds")

func ExampleMin() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(bounds.Run(ctx, pool, Bounds{}, []int{13, 23, 4, 3, 14}))
	})
	// Output: map[3:3 4:4] <nil>
}

// Payments adds up what each payer has paid.
type Payments struct{ mapreduce.Sum[float64] }

func (Payments) Map(_ context.Context, line string, emit func(string, float64)) error {
	var payer string
	var paid float64
	if _, err := fmt.Sscan(line, &payer, &paid); err != nil {
		return err
	}
	emit(payer, paid)
	return nil
}

var payments = mapreduce.NewJob[Payments]("payments")

func ExampleSum() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		fmt.Println(payments.Run(ctx, pool, Payments{}, []string{"ada 2.5", "bob 1", "ada 0.25"}))
	})
	// Output: map[ada:2.75 bob:1] <nil>
}

// An order of entries is a function, here by value.
func ExampleEntry() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		paid, err := payments.Results(ctx, pool, Payments{}, []string{"ada 2.5", "bob 1", "cy 7"})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer paid.Close()
		least := func(a, b mapreduce.Entry[string, float64]) bool { return a.Value < b.Value }
		fmt.Println(paid.Top(1, least))
	})
	// Output: [{bob 1}] <nil>
}

// Divisors emits each number under each of its divisors up to Largest.
type Divisors struct{ Largest int }

func (d Divisors) Map(_ context.Context, n int, emit func(int, string)) error {
	if n <= 0 {
		return errors.New("not a natural number")
	}
	for k := 1; k <= d.Largest; k++ {
		if n%k == 0 {
			emit(k, fmt.Sprint(n))
		}
	}
	return nil
}

// Reduce sorts, because values come in no particular order.
func (Divisors) Reduce(_ int, values iter.Seq[string]) string {
	return strings.Join(slices.Sorted(values), ",")
}

var (
	divisors = mapreduce.NewJob[Divisors]("divisors")

	_ mapreduce.Mapper[int, int, string] = Divisors{}
	_ mapreduce.Reducer[int, string]     = Divisors{}
	_ mapreduce.Combiner[int]            = WordCount{}
)

func ExampleMapper() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		_, err := divisors.Run(ctx, pool, Divisors{3}, []int{4, 0, 6})
		if item, ok := errors.AsType[*mapreduce.TaskError](err); ok {
			fmt.Println(item)
		}
	})
	// Output: item 1 (0): not a natural number
}

func ExampleReducer() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		multiples, err := divisors.Run(ctx, pool, Divisors{3}, []int{4, 5, 6, 7, 8, 9})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, divisor := range slices.Sorted(maps.Keys(multiples)) {
			fmt.Println(divisor, multiples[divisor])
		}
	})
	// Output:
	// 1 4,5,6,7,8,9
	// 2 4,6,8
	// 3 6,9
}

func ExampleCombiner() {
	withPool(func(ctx context.Context, pool *mapreduce.Pool) {
		counts, err := wordCount.Run(ctx, pool, WordCount{}, slices.Repeat([]string{"all the same"}, 1000))
		fmt.Println(counts, err)
	})
	// Output: map[all:1000 same:1000 the:1000] <nil>
}

var cube = mapreduce.Func(func(n int) int { return n * n * n }, mapreduce.TaskName("cube"))

func ExampleTaskName() {
	fmt.Println(cube.Name())
	// Output: cube
}
