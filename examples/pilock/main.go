// Command pilock computes pi by the series 4 - 4/3 + 4/5 - …: each process sums a part of it and
// adds that to a shared total, one process at a time, under a Lock.
//
// In Python it is "with total.get_lock(): total.value += part", where total is a
// multiprocessing.Value('d', 0.0).
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const terms, procs = 4_000_000, 4

type part struct {
	First, End int
	Total      *shared.Value[float64]
}

var sum = mapreduce.FuncContext(func(ctx context.Context, p part) (float64, error) {
	sum := 0.0
	for k := p.First; k < p.End; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	return sum, p.Total.Lock().Do(ctx, func() error {
		p.Total.Store(p.Total.Load() + sum)
		return nil
	}, whole)
})

// whole repairs what a killed holder of the lock may leave: nothing, as a single number is always
// whole.
var whole = shared.Repair(func() error { return nil })

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		total, err := shared.NewValue(0.0)
		if err != nil {
			return err
		}
		defer total.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(procs))
		if err != nil {
			return err
		}
		defer pool.Close()

		var parts []part
		for i := range procs {
			parts = append(parts, part{i * terms / procs, (i + 1) * terms / procs, total})
		}
		if _, err := sum.Map(ctx, pool, parts); err != nil {
			return err
		}
		fmt.Printf("%.10f\n", total.Load()) // the last digits depend on the order
		return nil
	})
}

// Output:
// 3.1415924036
