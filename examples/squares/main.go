// Command squares has the workers of a pool square some numbers, and print which process squares which. What workers print
// comes in whole lines, behind the number of the worker, in whatever order; the results come in the order of the numbers.
//
// In Python it is "with Pool(3) as p: p.map(square, [1, 2, 3])" and a print with os.getpid() in square.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

var square = mapreduce.FuncContext(func(ctx context.Context, n int) (int, error) {
	fmt.Println("process", mapreduce.CurrentWorker(ctx).PID, "squares", n)
	return n * n, nil
})

// squares has a pool to itself: when that is closed, all that its workers have printed is there.
func squares(ctx context.Context, numbers []int) ([]int, error) {
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(3))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	return square.Map(ctx, pool, numbers)
}

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		for _, numbers := range [][]int{{1, 2, 3}, {1, 2, 3, 4, 5}} {
			results, err := squares(ctx, numbers)
			if err != nil {
				return err
			}
			fmt.Println(results)
		}
		return nil
	})
}

// Output:
// ~ \[worker [1-3].*\] process \d+ squares [1-3]
// ~ \[worker [1-3].*\] process \d+ squares [1-3]
// ~ \[worker [1-3].*\] process \d+ squares [1-3]
// [1 4 9]
// ~ \[worker [1-3].*\] process \d+ squares [1-5]
// ~ \[worker [1-3].*\] process \d+ squares [1-5]
// ~ \[worker [1-3].*\] process \d+ squares [1-5]
// ~ \[worker [1-3].*\] process \d+ squares [1-5]
// ~ \[worker [1-3].*\] process \d+ squares [1-5]
// [1 4 9 16 25]
