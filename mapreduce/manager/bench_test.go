package manager

import (
	"context"
	"testing"
)

func BenchmarkDict(b *testing.B) {
	m, err := Start(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	ctx := context.Background()
	d := must1(NewDict[int, int](ctx, m))
	b.Run("one", func(b *testing.B) {
		i := 0
		for b.Loop() {
			check(b, d.Set(ctx, 0, i))
			if v, _, err := d.Get(ctx, 0); err != nil || v != i {
				b.Fatal(v, err)
			}
			i++
		}
		b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "op/s")
	})
	b.Run("pipelined", func(b *testing.B) {
		b.SetParallelism(32) // times 2 processors
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if err := d.Set(ctx, 0, i); err != nil {
					b.Error(err)
				}
				if _, _, err := d.Get(ctx, 0); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "op/s")
	})
}
