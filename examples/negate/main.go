// Command negate changes the sign of a million numbers in place. The workers get ranges of one
// shared Array: a message says where the numbers are, and does not contain them.
//
// In Python it is a multiprocessing.Array and a function that gets the start and the end of its
// range.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const size, part = 1_000_000, 250_000

// negate returns how many numbers it changed.
var negate = mapreduce.Func(func(a *shared.Array[float64]) int {
	numbers := a.Slice() // the shared memory itself
	for i := range numbers {
		numbers[i] = -numbers[i]
	}
	return len(numbers)
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		a, err := shared.NewArray[float64](size)
		if err != nil {
			return err
		}
		defer a.Close()
		for i := range a.Slice() {
			a.Set(i, float64(i))
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(4))
		if err != nil {
			return err
		}
		defer pool.Close()

		var parts []*shared.Array[float64]
		for i := 0; i < size; i += part {
			parts = append(parts, a.Sub(i, i+part))
		}
		changed, err := negate.Map(ctx, pool, parts)
		fmt.Println(changed, a.At(1), a.At(size/2), a.At(size-1))
		return err
	})
}

// Output:
// [250000 250000 250000 250000] -1 -500000 -999999
