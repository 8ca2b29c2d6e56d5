package factorial

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryFactorial(t *testing.T) {
	tests := []struct {
		r    span
		want string
	}{
		{span{0, 0}, "[]"},
		{span{5, 3}, "[]"},
		{span{0, 1}, "[1]"},
		{span{0, 7}, "[1 1 2 6 24 120 720]"},
		{span{1, 2}, "[1]"},
		{span{2, 4}, "[2 6]"},
		{span{20, 22}, "[2432902008176640000 51090942171709440000]"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(everyFactorial(tt.r)); got != tt.want {
			t.Errorf("everyFactorial(%v) = %s, want %s", tt.r, got, tt.want)
		}
	}
}

func TestEveryFactorialValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Int64Range(0, 1000).Draw(t, "lo")
		r := span{lo, lo + rapid.Int64Range(0, 20).Draw(t, "count")}
		for i, x := range everyFactorial(r) {
			n := lo + int64(i)
			if x.Cmp(reference(span{1, n + 1})) != 0 {
				t.Fatalf("%d! is wrong", n)
			}
		}
	})
}

func TestSplitEvery(t *testing.T) {
	tests := []struct {
		r     span
		bytes int64
		want  []span
	}{
		{span{0, 0}, 1 << 20, nil},
		{span{7, 5}, 1 << 20, nil},
		{span{0, 3}, 1 << 20, []span{{0, 3}}},
		{span{1000, 1003}, 1, []span{{1000, 1001}, {1001, 1002}, {1002, 1003}}},
		{span{1000, 1003}, 0, []span{{1000, 1001}, {1001, 1002}, {1002, 1003}}},
		{span{0, 5000}, 1 << 40, []span{{0, 4096}, {4096, 5000}}},
	}
	for _, tt := range tests {
		if got := splitEvery(tt.r, tt.bytes); !equalRanges(got, tt.want) {
			t.Errorf("splitEvery(%v, %d) = %v, want %v", tt.r, tt.bytes, got, tt.want)
		}
	}
}

func TestSplitEveryCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Int64Range(0, 20_000).Draw(t, "lo")
		r := span{lo, lo + rapid.Int64Range(0, 6000).Draw(t, "count")}
		limit := rapid.Int64Range(0, 4<<20).Draw(t, "bytes")
		ranges := splitEvery(r, limit)
		checkCover(t, ranges, r)
		for _, part := range ranges {
			var bits float64
			for n := part.Lo; n < part.Hi; n++ {
				bits += log2Factorial(n)
			}
			if count := part.Hi - part.Lo; count > maxEvery || count > 1 && bits > float64(limit)*8 {
				t.Fatalf("%v has %d values of %.0f bits", part, count, bits)
			}
		}
	})
}

// BenchmarkEvery measures the cost of the size of the ranges: "first" is the time for the first
// factorial of each range, which is a part of "all".
func BenchmarkEvery(b *testing.B) {
	whole := span{0, 12_000}
	for _, kib := range []int64{256, 512, 1024, 2048, 4096, 8192, 16384, 1 << 20} {
		ranges := splitEvery(whole, kib<<10)
		b.Run(fmt.Sprintf("%dKiB/all", kib), func(b *testing.B) {
			for b.Loop() {
				for _, r := range ranges {
					everyFactorial(r)
				}
			}
			b.ReportMetric(float64(len(ranges)), "ranges")
		})
		b.Run(fmt.Sprintf("%dKiB/first", kib), func(b *testing.B) {
			for b.Loop() {
				for _, r := range ranges {
					product(span{2, r.Lo + 1})
				}
			}
		})
	}
}
