package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestSameResultHoweverRun compares standard output, byte for byte, for several numbers of workers
// and chunk sizes.
func TestSameResultHoweverRun(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.txt")
	writeWords(t, text)
	commands := map[string][]string{
		"pi":        {"pi", "-n", "12345678"},
		"factorial": {"factorial", "-n", "20000"},
		"range":     {"factorial", "--range", "3:2000"},
		"wordcount": {"wordcount", "--top", "0", text},
	}
	for name, words := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []byte
			for _, procs := range []int{1, 2, 3, 7} {
				for _, chunksize := range []int{0, 1, 1000} {
					args := slices.Concat(words, []string{"--procs", fmt.Sprint(procs), "--chunksize", fmt.Sprint(chunksize)})
					got, err := exec.Command("mrrun", args...).Output()
					if err != nil {
						t.Fatalf("mrrun %q: %v", args, err)
					}
					if want == nil {
						want = got
					}
					if !bytes.Equal(got, want) || len(got) == 0 {
						t.Errorf("mrrun %q: got %.200q, want %.200q", args, got, want)
					}
				}
			}
		})
	}
}

// writeWords writes a text of several pieces with many equal counts.
func writeWords(t *testing.T, path string) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	for text.Len() < 600<<10 {
		fmt.Fprintf(&text, "w%d Ä%d\n", rng.IntN(20_000), rng.IntN(100))
	}
	if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
