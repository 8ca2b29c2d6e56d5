package text

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func wordsOf(t *testing.T, w Words, text string) (all []string) {
	t.Helper()
	s := scanner{name: "text", use: w.filter(func(word []byte) { all = append(all, string(word)) })}
	if err := (Part{Length: int64(len(text))}).read(t.Context(), strings.NewReader(text), blockSize, s.scan); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLetters(t *testing.T) {
	for text, want := range map[string]string{
		`"Don't!" -- he said; WELL-KNOWN, isn’t it?`: "don't he said well-known isn’t it",
		"'tis the dogs' -day- a--b rock'n'roll c-'d": "tis the dogs day a b rock'n'roll c d",
		"x.y@z 3.14 1st (2nd) Été E\u0301te\u0301":   "x y z 3 14 1st 2nd été e\u0301te\u0301",
		"a\xff\xffb ... — 語。語 a‐b a‑b a–b ½":         "a b 語 語 a‐b a‑b a b",
		"": "",
	} {
		if got := strings.Join(wordsOf(t, Words{Letters: true}, text), " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// The rule as a regular expression is the oracle.
func FuzzLetters(f *testing.F) {
	oracle := regexp.MustCompile(`[\pL\pM\p{Nd}]+(?:['’\-‐‑][\pL\pM\p{Nd}]+)*`)
	f.Add("don't -- a-b a--b 'x' é\u0301 \xff")
	pieces := []string{"'", "-", "’", "a", "é", "\u0301", "7", ".", " ", "\xe2", "\x80", "語", "--"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var text strings.Builder
		for range 20 {
			text.WriteString(pieces[rng.IntN(len(pieces))])
		}
		f.Add(text.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		for _, word := range wordsOf(t, Words{}, text) {
			want = append(want, oracle.FindAllString(word, -1)...)
		}
		if got := wordsOf(t, Words{Letters: true}, text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}

func TestMinLength(t *testing.T) {
	const text = "a éé bb- ccc 語語語 d'e"
	for n, want := range map[int64]string{0: text, 1: text, 2: "éé bb- ccc 語語語 d'e", 3: "bb- ccc 語語語 d'e", 4: ""} {
		if got := strings.Join(wordsOf(t, Words{MinLength: n}, text), " "); got != want {
			t.Errorf("at least %d: got %q, want %q", n, got, want)
		}
	}
	if got := wordsOf(t, Words{MinLength: 3, Letters: true}, text); !slices.Equal(got, []string{"ccc", "語語語", "d'e"}) {
		t.Errorf("with letters: got %q", got)
	}
}
