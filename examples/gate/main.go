// Command gate runs three workers that wait at a gate, an Event of a manager, until the driver
// opens it.
//
// In Python it is a manager.Event() that is passed to the tasks of a Pool, which call event.wait():
// a plain Event cannot be.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

type visitor struct {
	Here *manager.Semaphore
	Gate *manager.Event
}

var visit = mapreduce.FuncContext(func(ctx context.Context, v visitor) (string, error) {
	if err := v.Here.Release(); err != nil {
		return "", err
	}
	return "inside", v.Gate.Wait(ctx)
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		here, err := manager.NewSemaphore(ctx, m, 0)
		if err != nil {
			return err
		}
		gate, err := manager.NewEvent(ctx, m)
		if err != nil {
			return err
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(3))
		if err != nil {
			return err
		}
		defer pool.Close()

		v := visitor{here, gate}
		visits := visit.MapAsync(ctx, pool, []visitor{v, v, v}, mapreduce.Chunksize(1))
		for range 3 {
			if err := here.Acquire(ctx); err != nil {
				return err
			}
		}
		fmt.Println("three wait at the gate")
		if err := gate.Set(ctx); err != nil {
			return err
		}
		places, err := visits.Get(ctx)
		fmt.Println("it is open:", places)
		return err
	})
}

// Output:
// three wait at the gate
// it is open: [inside inside inside]
