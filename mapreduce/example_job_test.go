package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"mrrun/mapreduce"
)

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
