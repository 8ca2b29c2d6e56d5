package text

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A simpleScanner finds the longest runs without white space, byte by byte. It is the oracle of
// scanner.
type simpleScanner struct {
	name string
	use  func(word []byte)
	word []byte // the last word that was not plain ASCII, in lower case
}

// scan calls use for the words of a block, and returns how many bytes are done. Unless it is the
// last block, scan leaves out a word at the very end, which may continue in the next block.
func (s *simpleScanner) scan(b block) (used int, err error) {
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
func (s *simpleScanner) next(text []byte) (word []byte, length, gap int) {
	for i := range text {
		switch b := text[i]; {
		case b >= utf8.RuneSelf:
			return s.nextUnicode(text, i)
		case unicode.IsSpace(rune(b)):
			return bytes.ToLower(text[:i]), i, 1
		}
	}
	return bytes.ToLower(text), len(text), 0
}

// nextUnicode is next for a text whose first start bytes are known to be ASCII and no white space.
// An invalid byte stays as it is.
func (s *simpleScanner) nextUnicode(text []byte, start int) (word []byte, length, gap int) {
	s.word = append(s.word[:0], bytes.ToLower(text[:start])...)
	for i := start; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case unicode.IsSpace(r):
			return s.word, i, size
		case r < utf8.RuneSelf:
			s.word = append(s.word, byte(unicode.ToLower(r)))
		case r == utf8.RuneError:
			s.word = append(s.word, text[i:i+size]...)
		default:
			s.word = utf8.AppendRune(s.word, unicode.ToLower(r))
		}
		i += size
	}
	return s.word, len(text), 0
}

func checkScan(t *testing.T, text string, size int) {
	t.Helper()
	words := func(scan func(block) (int, error)) {
		if err := (Part{Length: int64(len(text))}).read(t.Context(), strings.NewReader(text), size, scan); err != nil {
			t.Fatal(err)
		}
	}
	var got, want []string
	fast := scanner{use: func(word []byte) { got = append(got, string(word)) }}
	words(fast.scan)
	simple := simpleScanner{use: func(word []byte) { want = append(want, string(word)) }}
	words(simple.scan)
	if !slices.Equal(got, want) {
		t.Errorf("text %q in blocks of %d:\n got %q\nwant %q", text, size, got, want)
	}
}

// The fast scanner finds the words that the simple one finds, in their order.
func FuzzScan(f *testing.F) {
	pieces := []string{" ", "\n", "\u00a0", "\u2003", "a", "B", "Z[@`{z", "The", "Ä", "ſ", "я", "語", "\xff", "\x80", "\xc2", "\xe2\x80", "\x00\x1f\x7f", "\v\f\r\t\b\x0e"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var text strings.Builder
		for range rng.IntN(200) {
			text.WriteString(pieces[rng.IntN(len(pieces))])
		}
		f.Add(text.String(), uint16(rng.IntN(400)))
	}
	f.Add(strings.Repeat("ab ", 3000), uint16(5000))
	f.Fuzz(func(t *testing.T, text string, size uint16) { checkScan(t, text, 1+int(size)) })
}

// Each byte is tried at each place of two groups.
func TestMarkEveryByte(t *testing.T) {
	for b := range 256 {
		for place := range 2 * group {
			text := bytes.Repeat([]byte{'z'}, 2*group)
			text[place] = byte(b)
			want := bytes.Clone(text)
			if 'A' <= b && b <= 'Z' {
				want[place] = byte(b) + 'a' - 'A'
			}
			var wantMarks [3]uint64
			if b >= utf8.RuneSelf || unicode.IsSpace(rune(b)) {
				wantMarks[place/group] = 1 << (place % group)
			}
			marks := mark(text, nil)
			if !bytes.Equal(text, want) || !slices.Equal(marks, wantMarks[:]) {
				t.Fatalf("byte %#x at %d: got %q and %x, want %q and %x", b, place, text, marks, want, wantMarks)
			}
		}
	}
}

func BenchmarkScan(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var content strings.Builder
	for content.Len() < blockSize-20 {
		content.WriteString(fmt.Sprintf("%s ", "Abcdefghijkl"[:1+rng.IntN(8)]))
	}
	text := []byte(content.String())
	n := 0
	s := scanner{use: func([]byte) { n++ }}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := s.scan(block{text: text, last: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/word")
}

func BenchmarkMark(b *testing.B) {
	text := bytes.Repeat([]byte("The Quick brown "), blockSize/16)
	var marks []uint64
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		marks = mark(text, marks)
	}
}
