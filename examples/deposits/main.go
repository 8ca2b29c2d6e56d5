// Command deposits pays 10,000 into an account in one process while another takes 10,000 out, ten
// times. The balance of 100 should be 100 afterwards, each time. Reading and then writing are two
// steps: without a lock, another process may come between them.
//
// In Python it is a multiprocessing.Value('i', 100) with balance.value += 1, with and without
// balance.get_lock().
package main

import (
	"context"
	"crypto/sha256"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const times, rounds = 10_000, 10

type booking struct {
	Balance *shared.Value[int]
	Amount  int
}

var bookCarelessly = mapreduce.Func(func(b booking) int {
	for range times {
		b.Balance.Store(booked(b.Balance.Load(), b.Amount))
	}
	return times
})

// booked returns the balance after a booking, for which an entry is signed first, as in a bank.
func booked(balance, amount int) int {
	_ = sha256.Sum256(fmt.Appendf(nil, "%d%+d", balance, amount))
	return balance + amount
}

// whole repairs what a killed holder of the lock may leave: nothing, as a single number is always
// whole.
var whole = shared.Repair(func() error { return nil })

var bookLocked = mapreduce.FuncContext(func(ctx context.Context, b booking) (int, error) {
	for range times {
		err := b.Balance.Lock().Do(ctx, func() error {
			b.Balance.Store(booked(b.Balance.Load(), b.Amount))
			return nil
		}, whole)
		if err != nil {
			return 0, err
		}
	}
	return times, nil
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		balance, err := shared.NewValue(0)
		if err != nil {
			return err
		}
		defer balance.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(2))
		if err != nil {
			return err
		}
		defer pool.Close()

		names := []string{"no lock:", "Lock:"}
		for i, book := range []*mapreduce.Task[booking, int]{bookCarelessly, bookLocked} {
			var balances []int
			for range rounds {
				balance.Store(100)
				if _, err := book.Map(ctx, pool, []booking{{balance, +1}, {balance, -1}}); err != nil {
					return err
				}
				balances = append(balances, balance.Load())
			}
			fmt.Println(names[i], balances)
		}
		return nil
	})
}

// Output:
// ~ no lock: \[(-?\d+ ?){10}\]
// Lock: [100 100 100 100 100 100 100 100 100 100]
