package wordcount

import "strings"

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

func compareWords(a, b frequency) int { return strings.Compare(a.Word, b.Word) }
