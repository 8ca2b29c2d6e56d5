package jobs

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mrrun/jobs/text"
	"mrrun/mapreduce"
)

var lengthOf = mapreduce.Func(func(s Span) int64 { return s.To - s.From })

// A job of one function has all that others have.
func TestFoldFunc(t *testing.T) {
	c := Command{Name: "length", Summary: "Measure.", New: func(flags *Flags) Work {
		below, rate, size, wait, on, name := int64(25), .5, int64(1<<20), time.Duration(0), false, "x"
		flags.Count(&below, "below", "n", 0, math.MaxInt64, "N")
		flags.Float(&rate, "rate", 0, 1, "a rate")
		flags.Bytes(&size, "part-size", 0, 1<<30, "a size")
		flags.Duration(&wait, "wait", "a time")
		flags.Bool(&on, "on", "a switch")
		flags.String(&name, "name", "NAME", "a name")
		return FoldFunc(Range(&below, 10), lengthOf, func(sum, n int64) int64 { return sum + n })
	}}
	withCommands(t, c)
	for line, want := range map[string]string{"length -n 99": "99\n", "length": "25\n", "length -n 0": "0\n", "length --only 3": "5\n", "length -n 20 --only 2": "10\n"} {
		if got, err := runLine(t, nil, line); got != want || err != nil {
			t.Errorf("mrrun %s: got %q, %v, want %q", line, got, err, want)
		}
	}
	want := `{"job":"length","parameters":{"below":30,"rate":0.5,"part_size":1048576,"wait":90,"on":true,"name":"x"},"result":30,`
	if got, err := runLine(t, nil, "length -n 30 --wait 1m30s --on --json"); !strings.HasPrefix(got, want) || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	run, err := newTestLine(t, c).Run(t.Context(), running(2, 0))
	if err != nil || run.Units() != 3 {
		t.Errorf("%d units, want as many as pieces: 3, %v", run.Units(), err)
	}
}

func TestRange(t *testing.T) {
	for _, tt := range []struct {
		below, size int64
		want        []Span
		count       int
	}{
		{-1, 10, nil, 0},
		{0, 10, nil, 0},
		{1, 10, []Span{{0, 1}}, 1},
		{20, 10, []Span{{0, 10}, {10, 20}}, 2},
		{21, 10, []Span{{0, 10}, {10, 20}, {20, 21}}, 3},
		{2, 0, []Span{{0, 1}, {1, 2}}, 2},
		{math.MaxInt64, math.MaxInt64 - 1, []Span{{0, math.MaxInt64 - 1}, {math.MaxInt64 - 1, math.MaxInt64}}, 2},
	} {
		got, err := Range(&tt.below, tt.size).Split(t.Context(), nil)
		if err != nil || got.Count != tt.count || !slices.Equal(slices.Collect(got.All), tt.want) {
			t.Errorf("%d by %d: got %d of %v, %v, want %v", tt.below, tt.size, got.Count, slices.Collect(got.All), err, tt.want)
		}
	}
	below := int64(math.MaxInt64)
	all, err := Range(&below, 1).Split(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for s := range all.All { // the input need not be read to its end
		if s.To == 3 {
			break
		}
	}
}

// A firsts counts the lines of texts by their first words.
type firsts struct {
	mapreduce.Count
	Fold bool
}

func (f firsts) Map(ctx context.Context, lines text.Lines, emit func(string, int64)) error {
	return lines.Each(ctx, func(line []byte) error {
		if f.Fold {
			line = bytes.ToLower(line)
		}
		word, _, _ := bytes.Cut(line, []byte(" "))
		emit(mapreduce.Borrowed(word), 1)
		return nil
	})
}

var countFirsts = mapreduce.NewJob[firsts]("firsts")

// A keyed job over lines has the parameters of its flags, and the files of its words.
func TestTable(t *testing.T) {
	c := Command{Name: "firsts", Summary: "Count.", Args: "FILE...", New: func(flags *Flags) Work {
		p := &firsts{}
		flags.Bool(&p.Fold, "fold", "ignore case")
		return Table(Lines(flags.Files()), countFirsts, p)
	}}
	withCommands(t, c)
	dir := t.TempDir()
	for name, lines := range map[string]string{"a.txt": "GET 1\nPUT 2\nGET 3", "b.txt": "get 4\r\n\xff 5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for line, want := range map[string]string{
		"a.txt b.txt":          "GET\t2\nPUT\t1\nget\t1\n\xff\t1\n",
		"--fold a.txt b.txt":   "get\t3\nput\t1\n\ufffd\t1\n",
		"--recursive --fold .": "get\t3\nput\t1\n\ufffd\t1\n",
		"a.txt b.txt --only 2": "get\t1\n\xff\t1\n",
	} {
		if got, err := runLine(t, nil, "firsts "+line); got != want || err != nil {
			t.Errorf("mrrun firsts %s: got %q, %v, want %q", line, got, err, want)
		}
	}
	want := `{"job":"firsts","parameters":{"files":["b.txt"],"fold":false,"recursive":false},"result":[{"key":"get","value":1},{"key":"\\xff","value":1}],`
	if got, err := runLine(t, nil, "firsts b.txt --json"); !strings.HasPrefix(got, want) || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for line, want := range map[string]string{
		"":         "firsts needs a FILE, or - for standard input (see mrrun firsts --help)",
		"none.txt": "firsts: read none.txt: no such file or directory",
	} {
		if _, err := runLine(t, nil, strings.TrimSpace("firsts "+line)); err == nil || err.Error() != want {
			t.Errorf("mrrun firsts %s: got %v, want %s", line, err, want)
		}
	}
	run, err := newTestLine(t, c, "a.txt").Run(t.Context(), running(2, 0))
	if err != nil || run.Units() != 17 {
		t.Errorf("%d units, want as many as bytes: 17, %v", run.Units(), err)
	}
}

func TestNamesOfWords(t *testing.T) {
	for kind, want := range map[string]string{"FILE...": "files", "FILE.csv...": "files", "[WORD]": "words", "...": "args"} {
		if got := wordsName(kind); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}
