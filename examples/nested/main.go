// Command nested runs tasks that wait for tasks. Each has a pool of its own for them, so that none
// waits for a worker that itself waits: it cannot hang, however few workers there are.
//
// In Python a worker of a Pool may have no processes; and in a pool of concurrent.futures, tasks
// that wait for others of the same pool hang when all workers wait.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

var square = mapreduce.Func(func(n int) int { return n * n })

// norm returns the sum of the squares of a row, each of which a worker of this worker computes.
var norm = mapreduce.FuncContext(func(ctx context.Context, row []int) (int, error) {
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(1))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	squares, err := square.Map(ctx, pool, row)
	sum := 0
	for _, s := range squares {
		sum += s
	}
	return sum, err
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
		if err != nil {
			return err
		}
		defer pool.Close()
		norms, err := norm.Map(ctx, pool, [][]int{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}})
		fmt.Println(norms, err)
		return err
	})
}

// Output:
// [14 77 194] <nil>
