// Command pifutures computes pi by the series 4 - 4/3 + 4/5 - …: each part is a Future of its own,
// and the driver adds their sums up as they arrive.
//
// In Python it is executor.submit for each part, and a loop over
// concurrent.futures.as_completed(futures).
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
)

const terms, parts = 4_000_000, 4

// A span is the terms from First up to, but not including, End.
type span struct{ First, End int }

var sum = mapreduce.Func(func(s span) float64 {
	sum := 0.0
	for k := s.First; k < s.End; k++ {
		sum += float64(4-k%2*8) / float64(2*k+1)
	}
	return sum
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(parts))
		if err != nil {
			return err
		}
		defer pool.Close()

		var futures []*mapreduce.Future[float64]
		for i := range parts {
			futures = append(futures, sum.ApplyAsync(ctx, pool, span{i * terms / parts, (i + 1) * terms / parts}))
		}
		pi := 0.0
		for i, future := range mapreduce.AsCompleted(ctx, futures...) {
			part, err := future.Get(ctx) // it does not have to wait
			if err != nil {
				return err
			}
			fmt.Printf("part %d: %.10f\n", i, part)
			pi += part
		}
		if err := context.Cause(ctx); err != nil {
			return err // AsCompleted has ended early
		}
		fmt.Printf("%.10f\n", pi) // the last digits depend on the order
		return nil
	})
}

// Output:
// ~ part [0-3]: \d\.\d{10}
// ~ part [0-3]: \d\.\d{10}
// ~ part [0-3]: \d\.\d{10}
// ~ part [0-3]: \d\.\d{10}
// 3.1415924036
