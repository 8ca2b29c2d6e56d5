// Command memorylimit has items of many sizes computed under a memory limit, and says what came of
// each that came out wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	_ "net" // which is cgo where that is on

	"mrrun/mapreduce"
)

const limit = 128 // MiB

var keep []byte

var take = mapreduce.Func(func(mib int) int {
	keep = make([]byte, mib<<20)
	for i := 0; i < len(keep); i += 4096 {
		keep[i] = 1
	}
	return mib
})

// stock is what a worker has at rest.
var stock = mapreduce.NewState(func(_ context.Context, mib int) ([]byte, error) {
	b := make([]byte, mib<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b, nil
}, nil)

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		slog.SetDefault(slog.New(slog.DiscardHandler))
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(1), mapreduce.MemoryLimit(limit<<20), stock.Initializer(80),
			mapreduce.Output(func(mapreduce.OutputLine) {}))
		if err != nil {
			return err
		}
		defer pool.Close()
		var wrong error
		for i := range 10 {
			if _, err := take.Apply(ctx, pool, 10); err != nil {
				wrong = errors.Join(wrong, fmt.Errorf("10 MiB: %w", err))
			}
			mib := 140 + i*i*9
			if _, err := take.Apply(ctx, pool, mib); !errors.Is(err, mapreduce.ErrMemoryLimit) {
				wrong = errors.Join(wrong, fmt.Errorf("%d MiB: %v", mib, err))
			}
		}
		if s := pool.Stats(); s.Retried > 0 {
			wrong = errors.Join(wrong, fmt.Errorf("%+v", s))
		}
		return wrong
	})
}
