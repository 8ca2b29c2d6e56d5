package jobs

import (
	"strings"
	"unicode/utf8"
)

// nearest returns the word of known that word was most likely meant to be, or "" if none is close.
// If word begins exactly one of them, it counts as an abbreviation; otherwise the fewest typing
// errors win, and the first of equals.
func nearest(word string, known []string) string {
	if found := onlyWithPrefix(word, known); found != "" {
		return found
	}
	best, least := "", max(1, utf8.RuneCountInString(word)/3)+1
	for _, k := range known {
		if d := typos(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// onlyWithPrefix returns the word of known that starts with word, or "" if there are none or
// several, or if word is shorter than two letters.
func onlyWithPrefix(word string, known []string) string {
	if utf8.RuneCountInString(word) < 2 {
		return ""
	}
	found := ""
	for _, k := range known {
		if strings.HasPrefix(k, word) {
			if found != "" {
				return ""
			}
			found = k
		}
	}
	return found
}

// typos counts the letters to insert, drop, replace or swap with a neighbour to
// get from one word to the other: the Damerau-Levenshtein distance with optimal
// string alignment.
func typos(from, to string) int {
	a, b := []rune(from), []rune(to)
	// Three rows of the table are enough: a swap looks back two.
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
