// Command managerdict fills a dict and a list that a manager keeps, with the workers of a pool.
//
// In Python it is d = manager.dict(), l = manager.list(range(10)) and a Process that gets both.
package main

import (
	"context"
	"fmt"
	"slices"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

// A task gets proxies: the dict and the list stay where they are.
type job struct {
	Squares *manager.Dict[int, int]
	Done    *manager.List[string]
	N       int
}

var square = mapreduce.FuncContext(func(ctx context.Context, j job) (int, error) {
	if err := j.Squares.Set(ctx, j.N, j.N*j.N); err != nil {
		return 0, err
	}
	return j.N, j.Done.Append(ctx, fmt.Sprint("squared ", j.N))
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		squares, err := manager.NewDict[int, int](ctx, m)
		if err != nil {
			return err
		}
		done, err := manager.NewList[string](ctx, m, nil)
		if err != nil {
			return err
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(3))
		if err != nil {
			return err
		}
		defer pool.Close()

		if _, err := square.Map(ctx, pool, []job{{squares, done, 1}, {squares, done, 2}, {squares, done, 3}}); err != nil {
			return err
		}
		items, err := squares.Items(ctx)
		if err != nil {
			return err
		}
		texts, err := done.All(ctx)
		slices.Sort(texts) // any may have been first
		fmt.Println(items)
		fmt.Println(texts)
		return err
	})
}

// Output:
// map[1:1 2:4 3:9]
// [squared 1 squared 2 squared 3]
