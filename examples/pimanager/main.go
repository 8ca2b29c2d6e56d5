// Command pimanager computes pi by the series 4 - 4/3 + 4/5 - …: each process sums a part of it and
// adds that to a total that a manager keeps. Add is one step on the manager, so that no lock is
// needed; and since the total is reached by messages, not by memory, the processes could be on
// several machines.
//
// In Python it is "with lock: total.value += part", on a manager.Value('d', 0.0) and with a
// manager.Lock().
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

const terms, procs = 4_000_000, 4

type part struct {
	First, End int
	Total      *manager.Value[float64] // a proxy
}

// sum returns how many terms it has added up.
var sum = mapreduce.FuncContext(func(ctx context.Context, p part) (int, error) {
	sum := 0.0
	for k := p.First; k < p.End; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	_, err := p.Total.Add(ctx, sum)
	return p.End - p.First, err
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		total, err := manager.NewValue(ctx, m, 0.0)
		if err != nil {
			return err
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(procs))
		if err != nil {
			return err
		}
		defer pool.Close()

		var parts []part
		for i := range procs {
			parts = append(parts, part{i * terms / procs, (i + 1) * terms / procs, total})
		}
		summed, err := sum.Map(ctx, pool, parts)
		if err != nil {
			return err
		}
		pi, err := total.Load(ctx)
		fmt.Printf("%d %.10f\n", summed, pi) // the last digits depend on the order
		return err
	})
}

// Output:
// [1000000 1000000 1000000 1000000] 3.1415924036
