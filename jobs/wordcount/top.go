package wordcount

import (
	"cmp"
	"slices"
	"strings"
)

// The orders in which words are shown.
const (
	byCount = "count" // the most frequent first, and words of equal frequency by their bytes
	byWord  = "word"  // by their bytes
)

// frequency is a word and how often it occurs.
type frequency struct {
	Word string `json:"word"`
	N    int64  `json:"count"`
}

// top returns the k most frequent words by count, or all for k = 0.
func top(counts map[string]int64, k int) []frequency {
	k = shown(int64(k), len(counts))
	// Keep up to 2k candidates and then cut them to the best k: that costs no more than a heap and
	// rejects most words after one comparison.
	best := make([]frequency, 0, min(2*k, len(counts)))
	var bar *frequency // a word must come before this one
	for word, n := range counts {
		c := frequency{Word: word, N: n}
		if bar != nil && compareCounts(c, *bar) > 0 {
			continue
		}
		best = append(best, c)
		if len(best) == 2*k {
			slices.SortFunc(best, compareCounts)
			best = best[:k]
			bar = &frequency{Word: best[k-1].Word, N: best[k-1].N}
		}
	}
	slices.SortFunc(best, compareCounts)
	return best[:min(k, len(best))]
}

// shown is how many of all words --top asks for.
func shown(top int64, all int) int {
	if top <= 0 || top > int64(all) {
		return all
	}
	return int(top)
}

func compareCounts(a, b frequency) int {
	return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Word, b.Word))
}

func compareWords(a, b frequency) int { return strings.Compare(a.Word, b.Word) }
