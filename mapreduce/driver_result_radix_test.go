package mapreduce

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortPlaces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, radixFrom - 1, radixFrom, 10_000} {
		for _, mask := range []uint64{0, 3, 0xff00, 0xff000000000000ff, 1<<64 - 1} {
			places := make([]rankedPlace, n)
			for i, at := range random.Perm(n) {
				places[i] = rankedPlace{random.Uint64() & mask, at}
			}
			want := slices.Clone(places)
			slices.SortFunc(want, func(a, b rankedPlace) int {
				return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.at, a.at))
			})
			got := sortPlaces(places, func(a, b int) int { return cmp.Compare(b, a) })
			if !slices.Equal(got, want) {
				t.Errorf("%d places with ranks in %x are in a wrong order", n, mask)
			}
		}
	}
}
