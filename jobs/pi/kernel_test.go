package pi

import (
	"math"
	"testing"
)

// kernels are the ways to add groups that this CPU has.
var kernels = map[string]func(sums *lanes, centre float64, rounds int64){"this CPU's": sumGroups}

func checkKernels(t *testing.T, sums lanes, centre float64, rounds int64) {
	t.Helper()
	want := sums
	sumGroupsGo(&want, centre, rounds)
	for name, kernel := range kernels {
		got := sums
		kernel(&got, centre, rounds)
		for i := range want {
			if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
				t.Errorf("%s, lane %d from %v, %d rounds: %x instead of %x", name, i, centre, rounds, got[i], want[i])
			}
		}
	}
}

// A kernel in assembly and the one in Go give the same bits.
func FuzzKernels(f *testing.F) {
	const last = maxTerms / blockTerms
	for _, block := range []int64{1, 2, 3, 1 << 10, 1 << 20, last - 1} {
		for _, rounds := range []int64{0, 1, 2, 511, blockTerms / groupTerms / int64(len(lanes{}))} {
			f.Add(block, rounds, 0.0)
			f.Add(block, rounds, 1e-9)
		}
	}
	f.Fuzz(func(t *testing.T, block, rounds int64, sum float64) {
		block = 1 + int64(uint64(block)%(last-1))
		rounds = int64(uint64(rounds) % (1 + blockTerms/groupTerms/uint64(len(lanes{}))))
		var sums lanes
		for i := range sums {
			sums[i] = math.Abs(sum) / float64(i+1)
		}
		checkKernels(t, sums, float64(2*block*blockTerms+rounds*step*int64(len(sums))-groupTerms), rounds)
	})
}

func BenchmarkKernels(b *testing.B) {
	all := map[string]func(*lanes, float64, int64){"Go": sumGroupsGo}
	for name, kernel := range kernels {
		all[name] = kernel
	}
	for name, kernel := range all {
		b.Run(name, func(b *testing.B) {
			const rounds = blockTerms / groupTerms / int64(len(lanes{}))
			var sums lanes
			for b.Loop() {
				kernel(&sums, 1<<40, rounds)
			}
			b.ReportMetric(float64(b.N)*blockTerms/1e9/b.Elapsed().Seconds(), "Gterms/s")
		})
	}
}
