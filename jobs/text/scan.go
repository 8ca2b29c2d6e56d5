package text

import (
	"math/bits"
	"sync"
	"unicode"
	"unicode/utf8"
)

// batch is about how many words are found before they are used: to find them and to use them, each
// in a loop of its own, is a fifth faster than one by one.
const batch = 256

// A scanner finds the longest runs without white space. It marks the ends of all words of a block
// first, and then goes from mark to mark.
type scanner struct {
	name string
	use  func(word []byte)

	marks []uint64
	found [batch + group]span
	n     int    // how many are found
	word  []byte // the last word that was not plain ASCII, in lower case
}

// A span is a word that is found: text[begin:end] of a block.
type span struct{ begin, end int }

// scan calls use for the words of a block, and returns how many bytes are done. Unless it is the
// last block, scan leaves out a word at the very end, which may continue in the next block.
func (s *scanner) scan(b block) (used int, err error) {
	text := b.text
	s.marks = mark(text, s.marks)
	begin := 0 // of the next word
	for w := 0; w < len(s.marks); w++ {
		m := s.marks[w]
		for m != 0 {
			if w*group+bits.TrailingZeros64(m)-begin > maxWord {
				return 0, longWordError(s.name, b.offset+int64(begin))
			}
			if begin, m = s.plain(text, begin, w*group, m); s.n >= batch {
				s.flush(text)
			}
			if m == 0 {
				break
			}
			s.flush(text)
			length, gap := s.lower(text[begin:], w*group+bits.TrailingZeros64(m)-begin)
			switch {
			case length > maxWord:
				return 0, longWordError(s.name, b.offset+int64(begin))
			case gap == 0 && !b.last:
				return begin, nil
			case length > 0:
				s.use(s.word)
			}
			if begin += length + gap; begin == len(text) {
				return begin, nil
			}
			w = begin / group
			m = s.marks[w] >> (begin % group) << (begin % group)
		}
	}
	if len(text)-begin > maxWord {
		return 0, longWordError(s.name, b.offset+int64(begin))
	}
	s.flush(text)
	if b.last && begin < len(text) {
		s.use(text[begin:])
		begin = len(text)
	}
	return begin, nil
}

// plain notes the words that end in a group, which has the marks m. The first of them begins at
// begin. It stops before a word that is not ASCII, and returns where the next word begins and which
// marks are left.
func (s *scanner) plain(text []byte, begin, group int, m uint64) (int, uint64) {
	n := s.n
	for m != 0 {
		end := group + bits.TrailingZeros64(m)
		if text[end] >= utf8.RuneSelf {
			break
		}
		m &= m - 1
		s.found[n] = span{begin, end}
		if end > begin {
			n++
		}
		begin = end + 1
	}
	s.n = n
	return begin, m
}

// flush calls use for the words that are noted.
func (s *scanner) flush(text []byte) {
	for _, f := range s.found[:s.n] {
		s.use(text[f.begin:f.end])
	}
	s.n = 0
}

// lower puts the first word of text into s.word in lower case, where its first n bytes are known
// to be ASCII and no white space. It returns the length of the word in the text and that of the
// white space after it; a gap of 0 means that the text has ended. An invalid byte stays as it is.
func (s *scanner) lower(text []byte, n int) (length, gap int) {
	table := runeLower()
	s.word = append(s.word[:0], text[:n]...)
	for i := n; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case unicode.IsSpace(r):
			return i, size
		case r < utf8.RuneSelf:
			s.word = append(s.word, text[i])
		case int(r) < len(table):
			s.word = utf8.AppendRune(s.word, table[r])
		case r == utf8.RuneError:
			s.word = append(s.word, text[i:i+size]...)
		default:
			s.word = utf8.AppendRune(s.word, unicode.ToLower(r))
		}
		i += size
	}
	return len(text), 0
}

// runeLower maps the runes of up to two bytes, such as Greek and Cyrillic ones, to lower case:
// unicode.ToLower would take most of the time.
var runeLower = sync.OnceValue(func() *[0x800]rune {
	var table [0x800]rune
	for r := range table {
		table[r] = unicode.ToLower(rune(r))
	}
	return &table
})
