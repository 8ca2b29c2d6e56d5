package mapreduce_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mrrun/mapreduce"
)

func ExampleNewState() {
	// var dictionary = mapreduce.NewState(func(_ context.Context, language string)
	// (map[string]string, error) {
	//	return map[string]string{"one": "eins", "two": "zwei"}, nil // read from a file for this language, say
	// }, nil)
	//
	// var translate = mapreduce.FuncContext(func(ctx context.Context, word string) (string, error)
	// {
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
