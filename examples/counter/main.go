// Command counter counts in a dict of a manager, with four workers. Get, add one and Set are three
// steps, and updates that others make between them are lost; Add is one step, on the manager.
//
// In Python it is d[k] += 1 on a manager.dict(), which loses updates without a lock.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
	"mrrun/shared"
)

const workers, times = 4, 500

type counter struct {
	Counts *manager.Dict[string, int]
	Lock   *manager.Lock
}

var countByAdd = mapreduce.FuncContext(func(ctx context.Context, c counter) (int, error) {
	for range times {
		if _, err := c.Counts.Add(ctx, "add", 1); err != nil {
			return 0, err
		}
	}
	return times, nil
})

// whole repairs what a killed holder of the lock may leave: nothing, as Set is one step.
var whole = shared.Repair(func() error { return nil })

var countByLock = mapreduce.FuncContext(func(ctx context.Context, c counter) (int, error) {
	for range times {
		err := c.Lock.Do(ctx, func() error {
			n, _, err := c.Counts.Get(ctx, "lock")
			if err != nil {
				return err
			}
			return c.Counts.Set(ctx, "lock", n+1)
		}, whole)
		if err != nil {
			return 0, err
		}
	}
	return times, nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		counts, err := manager.NewDict[string, int](ctx, m)
		if err != nil {
			return err
		}
		lock, err := manager.NewLock(ctx, m)
		if err != nil {
			return err
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(workers))
		if err != nil {
			return err
		}
		defer pool.Close()

		c := counter{counts, lock}
		for _, count := range []*mapreduce.Task[counter, int]{countByAdd, countByLock} {
			if _, err := count.Map(ctx, pool, []counter{c, c, c, c}); err != nil {
				return err
			}
		}
		items, err := counts.Items(ctx)
		fmt.Println(items)
		return err
	})
}

// Output:
// map[add:2000 lock:2000]
