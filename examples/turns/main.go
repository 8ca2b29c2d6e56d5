// Command turns runs three processes that take turns: each waits at a Cond until it is its turn,
// and wakes the others when it is done.
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
	Moved *shared.Cond
	Moves *shared.Array[int] // the players in the order of their moves; the lock of Moved guards
	Made  *shared.Value[int] // both this and the number of moves
}

// play makes the moves of one player. If its worker is killed, another starts over, and leaves out
// the moves that were made.
var play = mapreduce.FuncContext(func(ctx context.Context, g game) (moves int, err error) {
	for round := range rounds {
		n := round*players + g.Me
		err := g.Moved.Lock().Do(ctx, func() error {
			if err := g.Moved.WaitFor(ctx, func() bool { return g.Made.Load() >= n }, whole); err != nil {
				return err
			}
			if g.Made.Load() == n {
				g.Moves.Set(n, g.Me)
				g.Made.Store(n + 1)
				g.Moved.Broadcast()
			}
			return nil
		}, whole)
		if err != nil {
			return round, err
		}
	}
	return rounds, nil
})

// whole repairs what a killed holder of the lock may leave: nothing, as a move is made by one
// Store.
var whole = shared.Repair(func() error { return nil })

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
		made, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer made.Close()
		moves, err := shared.NewArray[int](players * rounds)
		if err != nil {
			return err
		}
		defer moves.Close()

		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(players))
		if err != nil {
			return err
		}
		defer pool.Close()

		var games []game
		for me := range players {
			games = append(games, game{me, moved, moves, made})
		}
		if _, err := play.Map(ctx, pool, games); err != nil {
			return err
		}
		fmt.Println(moves.Slice())
		return nil
	})
}

// Output:
// [0 1 2 0 1 2 0 1 2]
