package wordcount

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// frequency is a word and how often it occurs.
type frequency struct {
	Word string `json:"word"`
	N    int64  `json:"count"`
}

// top returns the k most frequent words, or all for k = 0: the most frequent
// first, and words of equal frequency in the order of their bytes.
func top(counts map[string]int64, k int) []frequency {
	if k <= 0 || k > len(counts) {
		k = len(counts)
	}
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

func compareCounts(a, b frequency) int {
	return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Word, b.Word))
}

// writeCounts writes a line "COUNT WORD" for each of cs.
func writeCounts(w io.Writer, cs []frequency) error {
	out := bufio.NewWriter(w)
	var line []byte
	for _, c := range cs {
		line = strconv.AppendInt(line[:0], c.N, 10)
		line = append(line, ' ')
		line = append(line, c.Word...)
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("wordcount: write the counts: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("wordcount: write the counts: %w", err)
	}
	return nil
}
