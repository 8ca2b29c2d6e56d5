package mapreduce

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkFirstResult measures a pool that is made for one call: two workers start, compute one
// item each, and end.
func BenchmarkFirstResult(b *testing.B) {
	for b.Loop() {
		p, err := NewPool(context.Background(), Procs(2))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := echo.Map(context.Background(), p, []int{1, 2}, Chunksize(1)); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRoundTrip measures one task, there and back, on a pool that is running.
func BenchmarkRoundTrip(b *testing.B) {
	p, err := NewPool(context.Background(), Procs(2))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for b.Loop() {
		if _, err := echo.Apply(context.Background(), p, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// nap sleeps for us microseconds and returns how many it slept.
var nap = Func(func(us int) int {
	began := time.Now()
	time.Sleep(time.Duration(us) * time.Microsecond)
	return int(time.Since(began).Microseconds())
})

// BenchmarkUnequal runs tasks of which 1 in 100 takes 100 times as long as the others, first or
// last. It reports the time relative to an ideal division of the tasks' times among workers that
// sleep and need no core.
func BenchmarkUnequal(b *testing.B) {
	const tasks, short = 1000, 500
	for name, at := range map[string]int{"WorstFirst": 0, "WorstLast": tasks - tasks/100} {
		args := make([]int, tasks)
		for i := range args {
			args[i] = short
			if at <= i && i < at+tasks/100 {
				args[i] = 100 * short
			}
		}
		b.Run(name, func(b *testing.B) {
			const procs = 4
			p := newPool(b, Procs(procs))
			if _, err := nap.Map(b.Context(), p, []int{1, 1, 1, 1}, Chunksize(1)); err != nil {
				b.Fatal(err)
			}
			var ratios []float64
			for b.Loop() {
				began := time.Now()
				took, err := nap.Map(b.Context(), p, args)
				if err != nil {
					b.Fatal(err)
				}
				span, sum := time.Since(began).Microseconds(), 0
				for _, us := range took {
					sum += us
				}
				ratios = append(ratios, float64(span)/max(float64(sum)/procs, float64(slices.Max(took))))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "of-ideal")
		})
	}
}

var square = Func(func(xs []float64) []float64 {
	ys := make([]float64, len(xs))
	for i, x := range xs {
		ys[i] = x * x
	}
	return ys
})

// BenchmarkBigArguments sends 100 MB of numbers to two workers and receives as many.
func BenchmarkBigArguments(b *testing.B) {
	p := newPool(b)
	xs := make([]float64, 12_500_000)
	half := [][]float64{xs[:len(xs)/2], xs[len(xs)/2:]}
	b.SetBytes(100_000_000)
	for b.Loop() {
		got, err := square.Map(b.Context(), p, half, Chunksize(1))
		if err != nil {
			b.Fatal(err)
		}
		_ = slices.Concat(got...)
	}
}
