package text

import (
	"unicode"
	"unicode/utf8"
)

// eachOfLetters calls f for the longest runs in word of letters, marks and digits, in which single
// apostrophes and hyphens may stand between two of these.
func eachOfLetters(word []byte, f func(word []byte)) {
	start, end := -1, 0 // of the run; no run yet
	for i, size := 0, 0; i < len(word); i += size {
		r := rune(word[i])
		size = 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(word[i:])
		}
		switch {
		case inWord(r):
			if start < 0 {
				start = i
			}
			end = i + size
		case start >= 0 && (i > end || !joins(r)):
			f(word[start:end])
			start = -1
		}
	}
	if start >= 0 {
		f(word[start:end])
	}
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// joins reports whether r is an apostrophe or a hyphen.
func joins(r rune) bool {
	return r == '\'' || r == '’' || r == '-' || r == '‐' || r == '‑'
}
