package text

import (
	"context"
	"unicode"
	"unicode/utf8"

	"mrrun/jobs"
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

// Flags adds a flag for each field.
func (w *Words) Flags(flags *jobs.Flags) {
	flags.Count(&w.MinLength, "min-length", "", 0, 1e6, "leave out words of fewer than N characters")
	flags.Bool(&w.Letters, "letters", "strip punctuation: a word is letters and digits, with single ' and - inside")
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

// A scanner finds the longest runs without white space.
type scanner struct {
	name string
	use  func(word []byte)
	word []byte // the last word that was not plain ASCII, in lower case
}

// scan calls use for the words of a block, and returns how many bytes are done. Unless it is the
// last block, scan leaves out a word at the very end, which may continue in the next block.
func (s *scanner) scan(b block) (used int, err error) {
	lowerASCII(b.text[b.fresh:])
	for used < len(b.text) {
		word, length, gap := s.next(b.text[used:])
		if length > maxWord {
			return 0, longWordError(s.name, b.offset+int64(used))
		}
		if gap == 0 && !b.last {
			return used, nil
		}
		if length > 0 {
			s.use(word)
		}
		used += length + gap
	}
	return used, nil
}

// next returns the first word of text in lower case, its length in the text, and the length of the
// white space after it. A gap of 0 means that the text has ended. The word is valid until the next
// call.
func (s *scanner) next(text []byte) (word []byte, length, gap int) {
	for i := skipPlain(text, 0); i < len(text); i = skipPlain(text, i+1) {
		switch b := text[i]; {
		case b >= utf8.RuneSelf:
			return s.nextUnicode(text, i)
		case unicode.IsSpace(rune(b)):
			return text[:i], i, 1
		}
	}
	return text, len(text), 0
}

// nextUnicode is next for a text whose first start bytes are known to be ASCII and no white space.
// An invalid byte stays as it is.
func (s *scanner) nextUnicode(text []byte, start int) (word []byte, length, gap int) {
	s.word = append(s.word[:0], text[:start]...)
	for i := start; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case unicode.IsSpace(r):
			return s.word, i, size
		case r < utf8.RuneSelf:
			s.word = append(s.word, text[i])
		case int(r) < len(runeLower):
			s.word = utf8.AppendRune(s.word, runeLower[r])
		case r == utf8.RuneError:
			s.word = append(s.word, text[i:i+size]...)
		default:
			s.word = utf8.AppendRune(s.word, unicode.ToLower(r))
		}
		i += size
	}
	return s.word, len(text), 0
}

// runeLower maps the runes of up to two bytes, such as Greek and Cyrillic ones, to lower case:
// unicode.ToLower would take most of the time.
var runeLower = func() (table [0x800]rune) {
	for r := range table {
		table[r] = unicode.ToLower(rune(r))
	}
	return table
}()
