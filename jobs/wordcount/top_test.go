package wordcount

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTop(t *testing.T) {
	counts := map[string]int64{"b": 2, "a": 2, "c": 5, "ä": 1, "z": 1}
	all := []frequency{{"c", 5}, {"a", 2}, {"b", 2}, {"z", 1}, {"ä", 1}}
	for k := range 8 {
		want := all
		if k > 0 && k < len(all) {
			want = all[:k]
		}
		if got := top(counts, k); !slices.Equal(got, want) {
			t.Errorf("top %d: got %v, want %v", k, got, want)
		}
	}
	if got := top(nil, 3); len(got) != 0 {
		t.Errorf("top of nothing: got %v", got)
	}
}

func TestTopOfMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	counts := map[string]int64{}
	for i := range 5000 {
		counts[fmt.Sprint(i)] = rng.Int64N(300)
	}
	all := top(counts, 0)
	if !slices.IsSortedFunc(all, compareCounts) || len(all) != len(counts) {
		t.Fatal("top 0 is not all words in order")
	}
	for _, k := range []int{1, 2, 10, 999, 2500, 2501, 4999, 5000} {
		if !slices.Equal(top(counts, k), all[:k]) {
			t.Errorf("top %d is not the begin of all words", k)
		}
	}
}

func BenchmarkTop(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	counts := map[string]int64{}
	for i := range 1_000_000 {
		counts[fmt.Sprint(i)] = rng.Int64N(1000)
	}
	for b.Loop() {
		top(counts, 20)
	}
}
