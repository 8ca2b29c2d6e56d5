// Command piasync computes pi by the series 4 - 4/3 + 4/5 - …: MapAsync passes the parts to a pool
// and returns at once, with a Future of their sums. The driver is free until it needs them.
//
// In Python it is pool.map_async and AsyncResult.get(timeout=60).
package main

import (
	"context"
	"fmt"
	"time"

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

		var spans []span
		for i := range parts {
			spans = append(spans, span{i * terms / parts, (i + 1) * terms / parts})
		}
		future := sum.MapAsync(ctx, pool, spans)
		fmt.Println("pi is on its way")

		patience, cancel := context.WithTimeout(ctx, time.Minute) // how long Get waits: the work would go on
		defer cancel()
		sums, err := future.Get(patience)
		if err != nil {
			return err
		}
		pi := 0.0
		for _, s := range sums {
			pi += s
		}
		fmt.Println(pi)
		return nil
	})
}

// Output:
// pi is on its way
// 3.141592403589774
