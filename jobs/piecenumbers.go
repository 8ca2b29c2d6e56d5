package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pieceNumbers are numbers of pieces, counted from 1. As a flag they are typed as in 3,17-20.
type pieceNumbers []numberRange // in order, and apart from each other

type numberRange struct{ first, last int }

// numbersOf returns the numbers of all.
func numbersOf(all []int) (n pieceNumbers) {
	for _, i := range all {
		n = append(n, numberRange{i, i})
	}
	return n.joined()
}

// joined returns the same numbers in order, with neighbours in one range.
func (n pieceNumbers) joined() (all pieceNumbers) {
	slices.SortFunc(n, func(a, b numberRange) int { return cmp.Compare(a.first, b.first) })
	for _, r := range n {
		if last := len(all) - 1; last >= 0 && r.first <= all[last].last+1 {
			all[last].last = max(all[last].last, r.last)
		} else {
			all = append(all, r)
		}
	}
	return all
}

// Set implements pflag.Value.
func (n *pieceNumbers) Set(s string) error {
	var all pieceNumbers
	for word := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(word, "-")
		if !ranged {
			to = from
		}
		first, err := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if cmp.Or(err, err2) != nil || first < 1 || last < first {
			return fmt.Errorf("not a list of pieces; it takes numbers from 1 and ranges, such as 3,17-20")
		}
		all = append(all, numberRange{first, last})
	}
	*n = all.joined()
	return nil
}

// String implements pflag.Value.
func (n pieceNumbers) String() string {
	var words []string
	for _, r := range n {
		switch r.last - r.first {
		case 0:
			words = append(words, strconv.Itoa(r.first))
		case 1:
			words = append(words, strconv.Itoa(r.first), strconv.Itoa(r.last))
		default:
			words = append(words, fmt.Sprintf("%d-%d", r.first, r.last))
		}
	}
	return strings.Join(words, ",")
}

// Type implements pflag.Value.
func (n pieceNumbers) Type() string { return "PIECES" }

// has reports whether i is one of the numbers.
func (n pieceNumbers) has(i int) bool {
	return slices.ContainsFunc(n, func(r numberRange) bool { return r.first <= i && i <= r.last })
}

// last returns the largest number, 0 if there is none.
func (n pieceNumbers) last() int {
	if len(n) == 0 {
		return 0
	}
	return n[len(n)-1].last
}

// size returns how many numbers there are.
func (n pieceNumbers) size() (total int) {
	for _, r := range n {
		total += r.last - r.first + 1
	}
	return total
}

// at returns the number with the index i, from 0.
func (n pieceNumbers) at(i int) int {
	for _, r := range n {
		if size := r.last - r.first + 1; i >= size {
			i -= size
			continue
		}
		return r.first + i
	}
	return 0
}
