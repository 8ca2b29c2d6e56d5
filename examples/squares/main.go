// Command squares squares some numbers in the workers of a pool, which print which process squares
// which number. What workers print comes out in whole lines, after the number of the worker, in any
// order; the results are in the order of the numbers.
//
// In Python it is "with Pool(3) as p: p.map(square, [1, 2, 3])" and a print with os.getpid() in
// square.
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

// squares makes a pool of its own: when the pool is closed, all that its workers printed is there.
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
