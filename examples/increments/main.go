// Command increments counts to 400,000 in four processes, in three ways: without a lock, which
// loses some, with a Lock, and with an atomic Add, which needs no lock.
//
// In Python it is counter.value += 1 on a multiprocessing.Value, without and with
// counter.get_lock(). It has no atomic Add. An Event does not guard a counter: another process may
// come between its wait and its clear, and increments are lost as without a lock.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const procs, times = 4, 100_000

type counting struct {
	Counter *shared.Value[int]
	Lock    *shared.Lock
}

var careless = mapreduce.Func(func(c counting) int {
	for range times {
		c.Counter.Store(c.Counter.Load() + 1)
	}
	return times
})

// whole repairs what a killed holder of the lock may leave: nothing, as a single number is always
// whole.
var whole = shared.Repair(func() error { return nil })

var locked = mapreduce.FuncContext(func(ctx context.Context, c counting) (int, error) {
	for range times {
		err := c.Lock.Do(ctx, func() error {
			c.Counter.Store(c.Counter.Load() + 1)
			return nil
		}, whole)
		if err != nil {
			return 0, err
		}
	}
	return times, nil
})

var atomic = mapreduce.Func(func(c counting) int {
	for range times {
		c.Counter.Add(1)
	}
	return times
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		counter, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer counter.Close()
		lock, err := shared.NewLock()
		if err != nil {
			return err
		}
		defer lock.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(procs))
		if err != nil {
			return err
		}
		defer pool.Close()

		c := counting{counter, lock}
		names := []string{"no lock:", "Lock:", "Add:"}
		for i, count := range []*mapreduce.Task[counting, int]{careless, locked, atomic} {
			counter.Store(0)
			if _, err := count.Map(ctx, pool, []counting{c, c, c, c}); err != nil {
				return err
			}
			fmt.Println(names[i], counter.Load())
		}
		return nil
	})
}

// Output:
// ~ no lock: \d+
// Lock: 400000
// Add: 400000
