// Command pishared computes pi by the series 4 - 4/3 + 4/5 - …: each process sums a part of it and
// writes the result to its own element of a shared Array. No other process writes there, so no lock
// is needed; and the driver adds the elements up in order, so the result is always the same to the
// last digit.
//
// In Python it is a multiprocessing.Array('d', 4, lock=False) in which each Process sets its own
// element.
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/shared"
)

const terms, procs = 4_000_000, 4

type part struct {
	Index int
	Sums  *shared.Array[float64]
}

// sum returns how many terms it has added up.
var sum = mapreduce.Func(func(p part) int {
	first, end := p.Index*terms/procs, (p.Index+1)*terms/procs
	sum := 0.0
	for k := first; k < end; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	p.Sums.Set(p.Index, sum)
	return end - first
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		sums, err := shared.NewArray[float64](procs)
		if err != nil {
			return err
		}
		defer sums.Close()
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(procs))
		if err != nil {
			return err
		}
		defer pool.Close()

		summed, err := sum.Map(ctx, pool, []part{{0, sums}, {1, sums}, {2, sums}, {3, sums}})
		if err != nil {
			return err
		}
		pi := 0.0
		for _, s := range sums.Slice() {
			pi += s
		}
		fmt.Println(summed, pi)
		return nil
	})
}

// Output:
// [1000000 1000000 1000000 1000000] 3.141592403589774
