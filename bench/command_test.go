package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mrrun/jobs"
	"mrrun/mapreduce"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		all  []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{3, 1}, 2},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 9, 2}, 3},
	} {
		before := slices.Clone(tt.all)
		if got := median(tt.all); got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.all, got, tt.want)
		}
		if !slices.Equal(tt.all, before) {
			t.Errorf("median changed %v to %v", before, tt.all)
		}
	}
}

func TestParseProcs(t *testing.T) {
	for list, want := range map[string][]int{
		"1": {1}, "1,2": {1, 2}, "4,1,4": {4, 1}, "1024": {mapreduce.MaxProcs},
	} {
		if got, err := parseProcs(list); !slices.Equal(got, want) || err != nil {
			t.Errorf("%q: got %v, %v, want %v", list, got, err, want)
		}
	}
	for _, list := range []string{",", "0", "-1", "1,", "1,,2", "1 2", "1, 2", "1.5", "1e1", "two", "1,1025", "99999999999999999999"} {
		got, err := parseProcs(list)
		want := "--procs " + list + ": it takes whole numbers from 1 to 1024, such as 1,2,4 (see mrrun bench --help)"
		if err == nil || err.Error() != want || exitCode(err) != 2 {
			t.Errorf("%q: got %v, %v, want %s", list, got, err, want)
		}
	}
}

func exitCode(err error) int {
	if own, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return own.ExitCode()
	}
	return 1
}

func TestNewFigure(t *testing.T) {
	f := newFigure("pi", 2, 7, 100, []float64{0.5, 0.1, 0.2}, true)
	if f.Workload != "pi" || f.Framework != "mrrun" || f.Procs != 2 || f.Chunksize != 7 || f.Items != 100 ||
		f.Seconds != 0.2 || f.ItemsPerS != 500 || f.Check != "equal=True" || len(f.All) != 3 {
		t.Errorf("got %+v", f)
	}
	if f := newFigure("pi", 1, 0, 1, []float64{1}, false); f.Check != "equal=False" {
		t.Errorf("got check %s of unequal results", f.Check)
	}
}

func TestOverhead(t *testing.T) {
	for _, mode := range []string{"map", "imap", "command"} {
		for _, chunksize := range []int{0, 1, 10} {
			f, err := overhead{Procs: 2, Chunksize: chunksize, Tasks: 500, Mode: mode, Repeat: 2}.measure(t.Context())
			checkFigure(t, f, err)
			if f.Workload != "overhead-"+mode || f.Items != 500 || len(f.All) != 2 || f.Chunksize != chunksize || f.ItemsPerS <= 0 {
				t.Errorf("got %+v", f)
			}
		}
	}
}

func TestMeasurementsEnd(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	ways := waysOf(testLine(t, "pi -n 1e6"), []int{1}, 0)
	if err := newReport("pi", nil, 1).measure(ctx, ways, 1, progress{}); !errors.Is(err, stop) {
		t.Errorf("Job: got %v, want %v", err, stop)
	}
	if _, err := (overhead{Procs: 1, Tasks: 10, Mode: "map", Repeat: 1}).measure(ctx); !errors.Is(err, stop) {
		t.Errorf("overhead: got %v, want %v", err, stop)
	}
}

// A clock gives another result each time.
type clock struct{ ticks *int }

func (c clock) Split(context.Context, []string) (jobs.Pieces[int], error) {
	return jobs.Pieces[int]{All: slices.Values([]int{1}), Count: 1}, nil
}
func (c clock) Add(int) error { *c.ticks++; return nil }
func (c clock) Result() any   { return *c.ticks }
func (c clock) Params() any   { return nil }
func (c clock) Units() int64  { return 1 }
func (c clock) Show(w io.Writer) error {
	_, err := io.WriteString(w, strconv.Itoa(*c.ticks))
	return err
}

// Different results are an error, reported after the figures.
func TestUnequalResults(t *testing.T) {
	ticks := 0
	c := jobs.Command{Name: "clock", New: func(*jobs.Flags) jobs.Work { return jobs.Fold(noop, clock{&ticks}) }}
	var out bytes.Buffer
	err := jobCommand(t.Context(), c, []string{"--repeat", "2", "--procs", "1", "--json"}, &out)
	if err == nil || err.Error() != "bench: the results of clock differ between runs" {
		t.Errorf("got error %v", err)
	}
	var f figure
	if err := json.NewDecoder(&out).Decode(&f); err != nil || f.Check != "equal=False" {
		t.Errorf("got %+v, %v, want check equal=False", f, err)
	}
}

func TestJSONLines(t *testing.T) {
	f := newFigure("pi", 2, 0, 10, []float64{0.5}, true)
	f.Speedup, f.Efficiency = 2, 1
	const want = `{"workload":"pi","framework":"mrrun","procs":2,"seconds":0.5,"items_per_s":20,"check":"equal=True","all":[0.5],` +
		`"chunksize":0,"items":10,"startup_seconds":0,"speedup":2,"efficiency":1}` + "\n"
	var out strings.Builder
	if err := writeLines(&out, []figure{f, f}); out.String() != want+want || err != nil {
		t.Errorf("got %s, %v, want twice %s", out.String(), err, want)
	}
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	for _, line := range []string{
		"pi -n 10 --repeat 1", "pi -n 10 --repeat 1 --json", "overhead --tasks 10 --repeat 1", "overhead --tasks 10 --repeat 1 --json",
		"--help", "pi --help", "overhead --help",
	} {
		if err := Command.Run(t.Context(), strings.Fields(line), fullDisk{}); !errors.Is(err, errFull) {
			t.Errorf("mrrun bench %s: got %v, want %v", line, err, errFull)
		}
	}
}

func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"over":                  "overhead",
		"overhead --mo":         "--mode",
		"arrays -p":             "-procs -pin",
		"pi --rep":              "--repeat",
		"pi --export ":          jobs.FileNames,
		"nothing --":            "",
		"startup --framework p": "",
	} {
		var got []string
		for _, c := range complete(strings.Split(line, " ")) {
			got = append(got, c.Word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// The examples in the help are command lines that parse.
func TestHelpExamples(t *testing.T) {
	n := 0
	for line := range strings.Lines(help) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "mrrun" || strings.Contains(line, "[") {
			continue
		}
		if words[1] != "bench" {
			continue
		}
		n++
		if err := parses(words[2], words[3:]); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if n != 8 {
		t.Errorf("found %d examples, want 8", n)
	}
}

func parses(name string, words []string) error {
	var err error
	switch name {
	case "overhead":
		_, _, err = parseOverhead(words)
	case "primitives":
		_, _, err = parsePrimitives(words)
	case "metg":
		_, _, err = parseMETG(words)
	case "workers":
		_, _, err = parseWorkers(words)
	case "arrays":
		_, _, err = parseArrays(words)
	default:
		var c jobs.Command
		if c, err = jobs.Lookup(name); err == nil {
			o := jobFlags{}
			_, err = jobs.NewLine("mrrun bench", c, words, o.bind)
		}
	}
	return err
}
