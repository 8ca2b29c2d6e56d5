// Command permits runs six workers that want to do something that only two may do at the same time:
// a Semaphore has two permits.
//
// In Python it is a multiprocessing.Semaphore(2) and "with semaphore:" in each of six Processes.
package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mrrun/mapreduce"
	"mrrun/shared"
)

type visit struct {
	Permits *shared.Semaphore
	Inside  *shared.Value[int]
}

// enter returns how many were inside, including this worker.
var enter = mapreduce.FuncContext(func(ctx context.Context, v visit) (inside int, err error) {
	if err := v.Permits.Acquire(ctx); err != nil {
		return 0, err
	}
	inside = v.Inside.Add(1)
	time.Sleep(20 * time.Millisecond) // the work
	v.Inside.Add(-1)
	return inside, v.Permits.Release()
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		permits, err := shared.NewSemaphore(2, shared.Tracked()) // a worker that is killed inside gives its permit back
		if err != nil {
			return err
		}
		defer permits.Close()
		inside, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer inside.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(6))
		if err != nil {
			return err
		}
		defer pool.Close()

		seen, err := enter.Map(ctx, pool, slices.Repeat([]visit{{permits, inside}}, 6))
		if err != nil {
			return err
		}
		fmt.Printf("%d workers went in, never more than 2 at once: %t\n", len(seen), slices.Max(seen) <= 2)
		fmt.Printf("at the end %d are inside, and %d permits are free\n", inside.Load(), permits.Value())
		return nil
	})
}

// Output:
// 6 workers went in, never more than 2 at once: true
// at the end 0 are inside, and 2 permits are free
