package mapreduce

import (
	"context"
	"testing"
)

// BenchmarkFirstResult is what a pool costs that is made for one call: two workers are started, compute one item each, and
// end.
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

// BenchmarkRoundTrip is one task, there and back, on a pool that is up.
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
