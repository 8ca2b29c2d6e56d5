package mapreduce

import (
	"cmp"
	"slices"
)

// A rankedPlace is the rank of an entry, and its place among the entries.
type rankedPlace struct {
	rank uint64
	at   int
}

// radixFrom is how many places make it worthwhile to count bytes.
const radixFrom = 256

// sortPlaces sorts places by their ranks, and those of the same rank by rest, which compares two
// entries by their places.
func sortPlaces(places []rankedPlace, rest func(a, b int) int) []rankedPlace {
	if len(places) < radixFrom {
		slices.SortFunc(places, func(a, b rankedPlace) int { return cmp.Compare(a.rank, b.rank) })
	} else {
		places = radixSort(places)
	}
	for from := 0; from < len(places); {
		end := from + 1
		for end < len(places) && places[end].rank == places[from].rank {
			end++
		}
		if end-from > 1 {
			slices.SortFunc(places[from:end], func(a, b rankedPlace) int { return rest(a.at, b.at) })
		}
		from = end
	}
	return places
}

// radixSort sorts places by each byte of their ranks in which they differ, the least significant
// one first: to compare most entries of a large result with one another would take several times
// as long. The result may lie in other memory.
func radixSort(places []rankedPlace) []rankedPlace {
	var counts [8][256]int
	for _, p := range places {
		for i := range counts {
			counts[i][byte(p.rank>>(8*i))]++
		}
	}
	other := make([]rankedPlace, len(places))
	for i := range counts {
		count := &counts[i]
		if count[byte(places[0].rank>>(8*i))] == len(places) {
			continue
		}
		next := 0
		for b, n := range count {
			count[b] = next
			next += n
		}
		for _, p := range places {
			to := &count[byte(p.rank>>(8*i))]
			other[*to] = p
			*to++
		}
		places, other = other, places
	}
	return places
}
