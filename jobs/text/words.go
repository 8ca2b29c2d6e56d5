package text

import (
	"context"
	"unicode/utf8"
)

// Words says what the words of a text are. The zero value means the longest runs without white
// space as [unicode.IsSpace] defines it, lower-cased rune by rune by [unicode.ToLower]; bytes that
// are not UTF-8 are kept as they are.
type Words struct {
	// Letters narrows a word to what has no punctuation: the longest runs of letters, their marks
	// and digits, in which single apostrophes and hyphens may stand between two of these.
	Letters bool
	// MinLength leaves out shorter words. It counts characters, not bytes.
	MinLength int64
}

// Each calls f for each word of the part, in their order. The word is valid, and not to be changed,
// during the call. Each reads the file itself, and returns an error if it cannot, if the file is no
// longer what it was when it was cut, or if ctx ends.
func (w Words) Each(ctx context.Context, p Part, f func(word []byte)) error {
	return w.each(ctx, p, blockSize, f)
}

func (w Words) each(ctx context.Context, p Part, size int, f func(word []byte)) error {
	s := scanner{name: p.Name, use: w.filter(f)}
	return p.eachBlock(ctx, size, s.scan)
}

// filter returns a function that passes on to f what Words makes of a longest run without white
// space.
func (w Words) filter(f func(word []byte)) func([]byte) {
	if w.MinLength > 1 {
		all := f
		f = func(word []byte) {
			if int64(len(word)) >= w.MinLength && int64(utf8.RuneCount(word)) >= w.MinLength {
				all(word)
			}
		}
	}
	if w.Letters {
		all := f
		f = func(word []byte) { eachOfLetters(word, all) }
	}
	return f
}
