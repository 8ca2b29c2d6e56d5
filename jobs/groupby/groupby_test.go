package groupby

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

func TestMain(m *testing.M) {
	mapreduce.Init()
	os.Exit(m.Run())
}

// sums is the oracle: the standard library's CSV and exact fractions, one row after the other.
func sums(t *testing.T, data string) map[string]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*big.Rat{}
	counts := map[string]int64{}
	for _, r := range records[1:] {
		if r[2] == "" {
			continue
		}
		v, ok := new(big.Rat).SetString(r[2])
		if !ok {
			t.Fatal(r)
		}
		if all[r[0]] == nil {
			all[r[0]] = new(big.Rat)
		}
		all[r[0]].Add(all[r[0]], v)
		counts[r[0]]++
	}
	shown := map[string]string{}
	for k, sum := range all {
		mean, _ := new(big.Rat).Quo(sum, new(big.Rat).SetInt64(counts[k])).Float64()
		shown[k] = fmt.Sprint(sum.FloatString(18), " ", counts[k], " ", mean)
	}
	return shown
}

// Any number of processes and any size of the parts give what one row after the other gives.
func TestGroupBy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var data strings.Builder
	data.WriteString("town,\"a note\nof two lines\",price\n")
	for range 3000 {
		fmt.Fprintf(&data, "\"town, %d\",%s,%s\r\n", rng.IntN(50), []string{"", "x", "\"a \"\"b\"\"\n\n,\"", "\"\n\""}[rng.IntN(4)],
			[]string{"", fmt.Sprint(rng.IntN(1000)), fmt.Sprintf("-%d.%02d", rng.IntN(1e9), rng.IntN(100)), "1e-3"}[rng.IntN(4)])
	}
	path := filepath.Join(t.TempDir(), "sales.csv")
	if err := os.WriteFile(path, []byte(data.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	want := sums(t, data.String())
	files, err := text.Open(t.Context(), []string{path}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for procs, sizes := range map[int][]int64{1: {0, 500}, 2: {3000}, 4: {999, 20_000}} {
		pool, err := mapreduce.NewPool(t.Context(), mapreduce.Procs(procs))
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes {
			rows, err := files.Rows(t.Context(), size, "town", "price")
			if err != nil {
				t.Fatal(err)
			}
			groups, err := group.Run(t.Context(), pool, groupBy{"price"}, rows, mapreduce.Chunksize(procs))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for k, s := range groups {
				got[k] = fmt.Sprint(s.Sum.Rat().FloatString(18), " ", s.Count, " ", s.Mean())
			}
			if !maps.Equal(got, want) {
				t.Errorf("%d processes, parts of %d bytes: got %v, want %v", procs, size, got, want)
			}
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkMap(b *testing.B) {
	var data strings.Builder
	data.WriteString("k,v\n")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		fmt.Fprintf(&data, "g%d,%d\n", rng.IntN(100_000), rng.IntN(1000))
	}
	path := filepath.Join(b.TempDir(), "groups.csv")
	if err := os.WriteFile(path, []byte(data.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	files, err := text.Open(b.Context(), []string{path}, false)
	if err != nil {
		b.Fatal(err)
	}
	defer files.Close()
	rows, err := files.Rows(b.Context(), 1<<30, "k", "v")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(data.Len()))
	for b.Loop() {
		if err := (groupBy{}).Map(b.Context(), rows[0], func(string, text.Stats) {}); err != nil {
			b.Fatal(err)
		}
	}
}
