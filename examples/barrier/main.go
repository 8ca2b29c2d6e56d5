// Command barrier runs three processes that meet at a Barrier, round after round: none begins a
// round before all are there.
//
// In Python it is a multiprocessing.Barrier(3) at which each Process calls barrier.wait(), and one
// of them gets 0. Events that each process sets for the others do not make a barrier: one that is
// cleared for the next round before a slow process has seen it leaves that process waiting.
package main

import (
	"context"
	"fmt"
	"slices"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const parties, rounds = 3, 4

type walker struct {
	Barrier  *shared.Barrier
	Arrivals *shared.Value[int] // of all walkers in all rounds
}

// walk returns the place in which the walker came to the barrier in each round, from 0.
var walk = mapreduce.FuncContext(func(ctx context.Context, w walker) ([]int, error) {
	var places []int
	for round := 1; round <= rounds; round++ {
		w.Arrivals.Add(1)
		place, err := w.Barrier.Wait(ctx)
		if err != nil {
			return nil, err
		}
		if n := w.Arrivals.Load(); n < round*parties {
			return nil, fmt.Errorf("round %d is over after %d arrivals", round, n)
		}
		places = append(places, place)
	}
	return places, nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		barrier, err := shared.NewBarrier(parties)
		if err != nil {
			return err
		}
		defer barrier.Close()
		arrivals, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer arrivals.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(parties)) // each must have a process: they wait for each other
		if err != nil {
			return err
		}
		defer pool.Close()

		w := walker{barrier, arrivals}
		places, err := walk.Map(ctx, pool, []walker{w, w, w})
		if err != nil {
			return err
		}
		for i := range rounds {
			came := []int{places[0][i], places[1][i], places[2][i]}
			fmt.Printf("round %d: walker %d came first; places %v\n", i+1, slices.Index(came, 0), slices.Sorted(slices.Values(came)))
		}
		return nil
	})
}

// Output:
// ~ round 1: walker [0-2] came first; places \[0 1 2\]
// ~ round 2: walker [0-2] came first; places \[0 1 2\]
// ~ round 3: walker [0-2] came first; places \[0 1 2\]
// ~ round 4: walker [0-2] came first; places \[0 1 2\]
