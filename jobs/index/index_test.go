package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

// Any number of processes and any size of the parts give what one word after the other gives.
func TestIndex(t *testing.T) {
	t.Chdir(t.TempDir())
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"c.txt", "a.txt", "b.txt"}
	want := map[string][]int{}
	for i, name := range names {
		var content strings.Builder
		for range 2000 {
			word := fmt.Sprintf("W%d", rng.IntN(3000))
			content.WriteString(word + "\n")
			if w := strings.ToLower(word); !slices.Contains(want[w], i) {
				want[w] = append(want[w], i)
			}
		}
		if err := os.WriteFile(name, []byte(content.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := text.Open(t.Context(), append(names, names[0]), false)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if !slices.Equal(files.Names(), names) {
		t.Errorf("got names %q, want %q", files.Names(), names)
	}
	for procs, size := range map[int]int64{1: 0, 2: 700, 4: 3000} {
		parts, err := files.Parts(size)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := mapreduce.NewPool(t.Context(), mapreduce.Procs(procs))
		if err != nil {
			t.Fatal(err)
		}
		got, err := words.Run(t.Context(), pool, index{Names: names}, parts)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%d processes, parts of %d bytes: got %v, want %v", procs, size, got, want)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}
