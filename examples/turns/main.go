// Command turns has three processes take turns: a Cond lets each wait until it is its turn, and wake the others when it has
// had it.
//
// In Python it is a multiprocessing.Condition, wait_for and notify_all.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const players, rounds = 3, 3

type game struct {
	Me    int
	Turn  *shared.Value[int] // whose turn it is; the lock of Moved guards it
	Moved *shared.Cond
	Moves *shared.Array[int] // who moved, in order
}

var play = mapreduce.FuncContext(func(ctx context.Context, g game) (moves int, err error) {
	for round := range rounds {
		err := g.Moved.Lock().Do(ctx, func() error {
			if err := g.Moved.WaitFor(ctx, func() bool { return g.Turn.Load() == g.Me }); err != nil {
				return err
			}
			g.Moves.Set(round*players+g.Me, g.Me)
			g.Turn.Store((g.Me + 1) % players)
			g.Moved.Broadcast()
			return nil
		})
		if err != nil {
			return round, err
		}
	}
	return rounds, nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		lock, err := shared.NewLock()
		if err != nil {
			return err
		}
		defer lock.Close()
		moved, err := shared.NewCond(lock)
		if err != nil {
			return err
		}
		defer moved.Close()
		turn, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer turn.Close()
		moves, err := shared.NewArray[int](players * rounds)
		if err != nil {
			return err
		}
		defer moves.Close()

		var processes []*mapreduce.Process[int]
		for me := range players {
			p, err := play.Start(ctx, game{me, turn, moved, moves})
			if err != nil {
				return err
			}
			processes = append(processes, p)
		}
		for _, p := range processes {
			if _, err := p.Wait(); err != nil {
				return err
			}
		}
		fmt.Println(moves.Slice())
		return nil
	})
}

// Output:
// [0 1 2 0 1 2 0 1 2]
