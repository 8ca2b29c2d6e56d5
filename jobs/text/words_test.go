package text

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// reference counts words in the simplest way there is.
func reference(text string) map[string]int64 {
	counts := map[string]int64{}
	for _, word := range strings.FieldsFunc(text, unicode.IsSpace) {
		var lower strings.Builder
		for len(word) > 0 {
			r, size := utf8.DecodeRuneInString(word)
			if r == utf8.RuneError {
				lower.WriteString(word[:size])
			} else {
				lower.WriteRune(unicode.ToLower(r))
			}
			word = word[size:]
		}
		counts[lower.String()]++
	}
	return counts
}

// countInParts cuts text and adds up the counts of its parts.
func countInParts(t *testing.T, text string, size int64, block int) map[string]int64 {
	t.Helper()
	r := strings.NewReader(text)
	parts, err := cutText(r, source{name: "text"}, int64(len(text)), size)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	next := int64(0)
	for _, s := range parts {
		if s.Offset != next || s.Length <= 0 {
			t.Fatalf("part %+v does not follow on offset %d", s, next)
		}
		next += s.Length
		if next < int64(len(text)) && !isASCIISpace(rune(text[next-1])) {
			t.Fatalf("part %+v does not end after ASCII white space", s)
		}
		if err := eachIn(t, r, s, block, addTo(counts)); err != nil {
			t.Fatal(err)
		}
	}
	if next != int64(len(text)) {
		t.Fatalf("the parts end at %d of %d bytes", next, len(text))
	}
	return counts
}

// eachIn calls f for each word of p, which r has, read in blocks of that size.
func eachIn(t *testing.T, r io.ReaderAt, p Part, size int, f func(word []byte)) error {
	s := scanner{name: p.Name, use: f}
	return p.read(t.Context(), r, size, s.scan)
}

func addTo(counts map[string]int64) func([]byte) {
	return func(word []byte) { counts[string(word)]++ }
}

func checkText(t *testing.T, text string, size int64, block int) {
	t.Helper()
	got, want := countInParts(t, text, size, block), reference(text)
	if !maps.Equal(got, want) {
		t.Errorf("text %q, size %d, block %d:\n got %v\nwant %v", text, size, block, got, want)
	}
}

var sampleTexts = []string{
	"",
	" \t\r\n\v\f",
	"The end the END",
	"one two\r\nTwo three\r\n",
	"no\u00a0break\u0085next\u2003em\u2028line\u3000wide\u200bzero",
	"İstanbul ſtraße \u212Aelvin ÄÖÜ äöü Ⱥ ὈΔΥΣΣΕΎΣ e\u0301 E\u0301",
	"\xff \xc3( A\x80B \xe2\x80 \xc2 \xed\xa0\x80 \ufffd end\xe2\x80",
	"\x00 a\x00B",
	"\u3000\u3000wide\u3000\u3000",
}

func TestCountSamples(t *testing.T) {
	t.Parallel()
	for _, text := range sampleTexts {
		for size := int64(1); size < 12; size++ {
			for block := 1; block < 9; block++ {
				checkText(t, text, size, block)
			}
		}
	}
}

func TestCountRandomTexts(t *testing.T) {
	t.Parallel()
	pieces := []string{" ", " ", "\n", "\r\n", "\u00a0", "\u0085", "\u2003", "\u2028", "\u3000", "a", "B", "the", "Äh",
		"İ", "ſ", "\u212A", "Ⱥ", "\u0301", "я", "Я", "語", "😀", "\xff", "\x80", "\x85", "\xa0", "\xc2", "\xe2\x80", "\xf0\x9f"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var text strings.Builder
		for range rng.IntN(60) {
			text.WriteString(pieces[rng.IntN(len(pieces))])
		}
		checkText(t, text.String(), 1+rng.Int64N(100), 1+rng.IntN(40))
	}
}

func FuzzCount(f *testing.F) {
	for i, text := range sampleTexts {
		f.Add(text, uint16(i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, size uint16, block uint8) {
		checkText(t, text, 1+int64(size), 1+int(block))
	})
}

func TestCountManyWords(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	for range 100_000 {
		text.Write(randomWord(rng, 12))
		text.WriteByte(' ')
	}
	got := countInParts(t, text.String(), 1<<30, 64<<10)
	if want := reference(text.String()); !maps.Equal(got, want) {
		t.Errorf("got %d words, want %d", len(got), len(want))
	}
}

func TestCountLongWord(t *testing.T) {
	t.Parallel()
	word := strings.Repeat("É", 5<<20/2)
	got := countInParts(t, "a "+word+" b", 1<<20, blockSize)
	want := map[string]int64{"a": 1, strings.ToLower(word): 1, "b": 1}
	if !maps.Equal(got, want) {
		t.Errorf("a word of 5 MiB is not counted right")
	}
}

func TestTooLongWord(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "ok ")
	if err := os.Truncate(path, 20<<20); err != nil {
		t.Fatal(err)
	}
	_, err := cutFiles([]source{{name: "zeros", path: path}}, 1<<20)
	wantError(t, err, "zeros: the word at offset ", " is longer than 16 MiB: is it a text file?")

	parts, err := cutFiles([]source{{name: "zeros", path: path}}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	err = Words{}.Each(t.Context(), parts[0], addTo(map[string]int64{}))
	wantError(t, err, "zeros: the word at offset 3 is longer than 16 MiB: is it a text file?")
}

// Only the length of words is limited, not that of a text whose white space does not allow a cut.
func TestWideSpacesOnly(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("語\u3000", maxWord/6+1000)
	got := countInParts(t, text, 1<<20, blockSize)
	if want := int64(maxWord/6 + 1000); len(got) != 1 || got["語"] != want {
		t.Errorf("got %d words, %d of the one that is there; want %d", len(got), got["語"], want)
	}
}

func TestCountShrunkFile(t *testing.T) {
	s := Part{Name: "book.txt", Offset: 5, Length: 14}
	err := eachIn(t, strings.NewReader("some wor"), s, blockSize, addTo(map[string]int64{}))
	wantError(t, err, "book.txt: became shorter while it was read (wanted 14 bytes at offset 5, got 3)")
}

func TestCountErrors(t *testing.T) {
	parts, err := cutFiles([]source{{name: "book.txt", path: writeFile(t, "words")}}, 5)
	if err != nil {
		t.Fatal(err)
	}
	p := parts[0]
	boom := errors.New("boom")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(boom)
	if err := (Words{}).Each(ctx, p, addTo(nil)); err != boom {
		t.Errorf("got error %v, want the cause of the cancellation", err)
	}
	p.File += ".missing"
	err = Words{}.Each(t.Context(), p, addTo(nil))
	wantError(t, err, "read book.txt: no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	err = eachIn(t, failingReaderAt{boom}, p, blockSize, addTo(nil))
	wantError(t, err, "read book.txt: boom")
}

type failingReaderAt struct{ err error }

func (r failingReaderAt) ReadAt([]byte, int64) (int, error) { return 0, r.err }

func writeFile(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "book.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantError checks that the message of err begins and ends as given; a single
// text is the whole message.
func wantError(t *testing.T, err error, text ...string) {
	t.Helper()
	switch first, last := text[0], text[len(text)-1]; {
	case err == nil:
		t.Errorf("no error, want %q", text)
	case len(text) == 1 && err.Error() != first,
		!strings.HasPrefix(err.Error(), first), !strings.HasSuffix(err.Error(), last):
		t.Errorf("got error %q, want %q", err, text)
	}
}

func randomWord(rng *rand.Rand, maxLength int) []byte {
	word := make([]byte, 1+rng.IntN(maxLength))
	for i := range word {
		word[i] = 'a' + byte(rng.IntN(26))
	}
	return word
}
