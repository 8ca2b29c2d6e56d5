package wordcount

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"mrrun/jobs/text"
)

// BenchmarkCountBook counts a book from the Go distribution: plain English, with some 8000
// different words.
func BenchmarkCountBook(b *testing.B) {
	root, err := exec.CommandContext(b.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		b.Skipf("go env GOROOT: %v", err)
	}
	book, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/testdata/Isaac.Newton-Opticks.txt"))
	if err != nil {
		b.Skip(err)
	}
	benchmarkCount(b, bytes.Repeat(book, 25))
}

// A large library: 50000 different words do not fit in the fast caches.
func BenchmarkCountLatinLetters(b *testing.B) {
	benchmarkCount(b, randomText('a'))
}

func BenchmarkCountCyrillicLetters(b *testing.B) {
	benchmarkCount(b, randomText('а'))
}

func benchmarkCount(b *testing.B, content []byte) {
	path := filepath.Join(b.TempDir(), "text")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
	files, err := text.Open(b.Context(), []string{path}, false)
	if err != nil {
		b.Fatal(err)
	}
	parts, err := files.Parts(1 << 40)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if err := (wordCount{}).Map(b.Context(), parts[0], func(string, int64) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// randomText returns words of the 26 letters from first on, with about the frequencies and lengths
// of a natural language.
func randomText(first rune) []byte {
	rng := rand.New(rand.NewPCG(5, 6))
	words := make([][]byte, 50_000)
	for i := range words {
		for _, letter := range randomWord(rng, min(4+i/20, 14)) {
			words[i] = utf8.AppendRune(words[i], first+rune(letter-'a'))
		}
	}
	gaps := []string{" ", " ", " ", " ", " ", " ", ", ", ".\n"}
	zipf := rand.NewZipf(rng, 1.1, 2.7, uint64(len(words)-1))
	var text []byte
	for len(text) < 16<<20 {
		text = append(text, words[zipf.Uint64()]...)
		text = append(text, gaps[rng.IntN(len(gaps))]...)
	}
	return text
}

func randomWord(rng *rand.Rand, maxLength int) []byte {
	word := make([]byte, 1+rng.IntN(maxLength))
	for i := range word {
		word[i] = 'a' + byte(rng.IntN(26))
	}
	return word
}
