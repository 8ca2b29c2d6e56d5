// Command startgun runs processes that wait for a gun: an Event that the driver sets.
//
// In Python it is a multiprocessing.Event that is passed to some Processes, which call
// event.wait().
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

// A runner is the argument of a task. All three objects are the same in every process: sending them
// copies nothing.
type runner struct {
	Ready   *shared.Semaphore
	Gun     *shared.Event
	Started *shared.Value[int]
}

var run = mapreduce.FuncContext(func(ctx context.Context, r runner) (string, error) {
	if err := r.Ready.Release(); err != nil {
		return "", err
	}
	if err := r.Gun.Wait(ctx); err != nil {
		return "", err
	}
	r.Started.Add(1)
	return "home", nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		ready, err := shared.NewSemaphore(0)
		if err != nil {
			return err
		}
		defer ready.Close()
		gun, err := shared.NewEvent()
		if err != nil {
			return err
		}
		defer gun.Close()
		started, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer started.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(3))
		if err != nil {
			return err
		}
		defer pool.Close()

		r := runner{ready, gun, started}
		finish := run.MapAsync(ctx, pool, []runner{r, r, r})
		for range 3 {
			if err := ready.Acquire(ctx); err != nil {
				return err
			}
		}
		fmt.Println("three runners are ready, started:", started.Load())
		gun.Set()
		places, err := finish.Get(ctx)
		fmt.Println("bang!", places, "started:", started.Load())
		return err
	})
}

// Output:
// three runners are ready, started: 0
// bang! [home home home] started: 3
