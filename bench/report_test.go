package bench

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"mrrun/internal/screenshot"
)

// A job is measured in a loop, in goroutines and in processes, and has the same result in each.
func TestMeasureJob(t *testing.T) {
	ways := waysOf(testLine(t, "pi -n 1e6"), []int{2, 1}, 1)
	r := newReport("pi", []string{"-n", "1e6"}, 2)
	if err := r.measure(t.Context(), ways, 6, progress{}); err != nil {
		t.Fatal(err)
	}
	r.conclude(nil)
	var names []string
	for _, row := range r.Rows {
		names = append(names, row.title())
		if len(row.Seconds) != 6 || row.Median <= 0 || row.Low > row.Median || row.High < row.Median || row.Low == 0 || row.Memory < 1<<20 {
			t.Errorf("got %+v", row)
		}
		if ours := row.Name == "procs"; (row.Start > 0) != ours || (row.Wait > 0) != ours {
			t.Errorf("%s: start %v, wait %v", row.title(), row.Start, row.Wait)
		}
		if want := r.Rows[0].Median / row.Median; row.Speedup != want {
			t.Errorf("%s: speed-up %v, want %v", row.title(), row.Speedup, want)
		}
	}
	if want := []string{"loop", "goroutines 2", "procs 2", "procs 1"}; !slices.Equal(names, want) || !r.Equal || r.Items != 1e6 || r.Rounds != 6 {
		t.Errorf("got %q, want %q in %+v", names, want, r)
	}
	figures := r.figures(1)
	if f := figures[2]; f.Framework != "mrrun" || f.Procs != 2 || f.Items != 1e6 || f.Check != "equal=True" || f.Chunksize != 1 || f.Startup <= 0 || figures[0].Framework != "loop" {
		t.Errorf("got %+v", figures)
	}
	// A keyed job has no plain loop.
	book := filepath.Join(t.TempDir(), "book.txt")
	if err := os.WriteFile(book, []byte("a b a"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = newReport("wordcount", []string{book}, 2)
	if err := r.measure(t.Context(), waysOf(testLine(t, "wordcount "+book), []int{1}, 0), 1, progress{}); err != nil || r.Rows[0].title() != "goroutines 1" || r.Result != "2 a\n1 b\n" {
		t.Errorf("got %+v, %v", r, err)
	}
}

// Ctrl-C keeps the rounds that are finished.
func TestInterruptedRounds(t *testing.T) {
	stop := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	runs := 0
	ways := []way{{Name: "loop", Procs: 1, run: func(ctx context.Context) (sample, error) {
		if runs++; runs == 4 { // a warm-up, two rounds, and a part of one
			cancel(stop)
		}
		return sample{seconds: 1, result: "x"}, context.Cause(ctx)
	}}}
	r := newReport("pi", nil, 1)
	if err := r.measure(ctx, ways, 10, progress{}); err != stop || r.Rounds != 2 || len(r.Rows[0].Seconds) != 2 {
		t.Errorf("got %v after %d rounds, %+v", err, r.Rounds, r.Rows)
	}
}

// The fit finds the serial part that times were made with, and its error if they are not exact.
func TestAmdahl(t *testing.T) {
	rows := func(serial, noise float64, procs ...int) (all []row) {
		for i, n := range procs {
			all = append(all, row{Name: "procs", Procs: n, Median: 8 * (serial + (1-serial)/float64(n) + noise*float64(i%2))})
		}
		return all
	}
	a := fitAmdahl(rows(0.1, 0, 1, 2, 4, 8), 8)
	if a == nil || math.Abs(a.Serial-0.1) > 1e-9 || a.Error > 1e-9 || a.Misfit > 1e-9 || a.Points != 4 {
		t.Errorf("got %+v, want 0.1", a)
	}
	if text := a.String(); text != "Amdahl: 10.0 ± 0.0 % of the work is serial, so at most 10.0 times faster on any number of processors (fit error 0.0 %)." {
		t.Error(text)
	}
	if a := fitAmdahl(rows(0.1, 0.02, 1, 2, 4, 8), 8); a == nil || math.Abs(a.Serial-0.12) > 0.02 || a.Error < 0.001 || a.Misfit < 0.001 {
		t.Errorf("with noise: got %+v", a)
	}
	// The published times of 1, 2 and 4 processes.
	if a := fitAmdahl([]row{{Name: "procs", Procs: 1, Median: 4.5}, {Name: "procs", Procs: 2, Median: 2.5}, {Name: "procs", Procs: 4, Median: 1.6}}, 4); math.Abs(a.Serial-0.13) > 0.02 {
		t.Errorf("got %+v, want 0.13", a)
	}
	for name, all := range map[string][]row{
		"two points": rows(0.1, 0, 1, 2), "not one": rows(0.1, 0, 2, 3, 4), "above the processors": rows(0.1, 0, 1, 2, 16), "loops": {{Name: "loop", Procs: 1, Median: 1}},
	} {
		if a := fitAmdahl(all, 8); a != nil {
			t.Errorf("%s: got %+v", name, a)
		}
	}
	if text := (&amdahl{}).String(); !strings.Contains(text, "there is no bound") {
		t.Error(text)
	}
}

// testReport is a report of a machine with four processors.
func testReport() *report {
	r := &report{Job: "pi", Command: "pi -n 1e10", CPUs: 4, CPU: "Some <CPU>", Go: "go1.26", Version: "0.1.0", Rounds: 6, Equal: true, Result: "3.14\n"}
	for _, w := range []struct {
		name    string
		procs   int
		seconds float64
	}{{"loop", 1, 4.5}, {"goroutines", 4, 1.55}, {"procs", 1, 4.5}, {"procs", 2, 2.5}, {"procs", 4, 1.6}, {"python", 4, 90}} {
		row := row{Name: w.name, Procs: w.procs, Memory: 9 << 20}
		for i := range 6 {
			row.add(sample{seconds: w.seconds * (1 + float64(i-3)/1000), start: 0.004, wait: 0.01})
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

func TestWriteText(t *testing.T) {
	r := testReport()
	r.conclude(nil)
	var out strings.Builder
	if err := r.writeText(&out, []string{"a.json", "b.svg"}); err != nil {
		t.Fatal(err)
	}
	const want = `pi -n 1e10 · 4 processors, Some <CPU> · go1.26 · 6 rounds interleaved, 1 warm-up
`
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("got\n%s", &out)
	}
	for _, part := range []string{"loop ", "goroutines 4", "━━━━━━━───", "Amdahl: 13.", "All results are equal: 3.14\n", "wrote a.json; compare later with: mrrun bench pi -n 1e10 --against a.json\nwrote b.svg\n"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, &out)
		}
	}
}

// The picture in docs shows what the code prints.
func TestScreenshot(t *testing.T) {
	r := testReport()
	r.CPU, r.Result = "Cortex-A72", "3.141592653489793\n"
	r.Rows[len(r.Rows)-1].Memory = 0
	r.conclude(nil)
	var out strings.Builder
	if err := r.writeText(&out, nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split("$ mrrun bench pi -n 1e10 --peers\n"+strings.TrimSpace(out.String()), "\n")
	got := screenshot.SVG("What mrrun bench pi prints", lines, utf8.RuneCountInString) + "\n"
	const path = "../docs/bench.svg"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || got != string(want) {
		t.Errorf("%s is not what is printed, %v: UPDATE_GOLDEN=1 go test ./bench -run Screenshot", path, err)
	}
}

// Doubtful figures come with a warning.
func TestWarnings(t *testing.T) {
	r := testReport()
	r.conclude(nil)
	if len(r.Warnings) > 0 {
		t.Errorf("good figures: %q", r.Warnings)
	}
	r = testReport()
	r.CPUs, r.load, r.Rounds = 2, 1.5, 3
	r.Rows[2].Seconds = []float64{1, 2, 3, 4, 5, 6, 7}
	r.Rows[3].starts = []float64{1}
	r.conclude(nil)
	text := strings.Join(r.Warnings, "\n")
	const want = `the machine was busy when this began: load 1.5 on 2 processors
3 rounds are too few for a 95 % interval: it takes 6 (--repeat 10)
the interval is wider than ±5 %: procs 1
the run takes less than 20 times as long as the start of its workers: procs 2
more processes than the 2 processors cannot help: procs 4`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// What is exported can be read by those whom it is for, and compared with later.
func TestExports(t *testing.T) {
	dir := t.TempDir()
	r := testReport()
	r.conclude(nil)
	var files []string
	for _, e := range exporters {
		files = append(files, filepath.Join(dir, "report"+strings.ToUpper(e.suffix)))
	}
	if err := checkExports(files); err != nil {
		t.Fatal(err)
	}
	if err := r.export(files); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.ToLower(filepath.Ext(file))] = string(text)
	}
	if got := strings.Count(texts[".csv"], "\n"); got != 7 {
		t.Errorf("%d lines of CSV:\n%s", got, texts[".csv"])
	}
	if !strings.Contains(texts[".md"], "| procs 2 | 2.5") {
		t.Error(texts[".md"])
	}
	if !strings.Contains(texts[".html"], "Some &lt;CPU&gt;") || !strings.Contains(texts[".html"], "<svg ") {
		t.Error(texts[".html"])
	}
	in := xml.NewDecoder(strings.NewReader(texts[".svg"]))
	for points := 0; ; {
		token, err := in.Token()
		if err == io.EOF {
			if points != 6 {
				t.Errorf("the chart has %d points", points)
			}
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, texts[".svg"])
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			points++
		}
	}
	old, err := readReport(files[0])
	if err != nil {
		t.Fatal(err)
	}
	now := testReport()
	for i := range now.Rows[3].Seconds {
		now.Rows[3].Seconds[i] *= 1.1
	}
	now.Rows = append(now.Rows, row{Name: "procs", Procs: 3, Seconds: []float64{1}})
	now.conclude(old)
	for i, want := range []string{"same (p 1.00)", "same", "same", "+10.0 % (p 0.002)", "same", "same", "new"} {
		if got := now.old.compare(now.Rows[i]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", now.Rows[i].title(), got, want)
		}
	}
}

func TestCommandWithoutFiles(t *testing.T) {
	r := newReport("pi", strings.Fields("-n 5 --export a.json -export=b.svg --procs 1,2 --json --against c.json export"), 2)
	if r.Command != "pi -n 5 --procs 1,2 export" {
		t.Errorf("got %q", r.Command)
	}
}

func TestExportErrors(t *testing.T) {
	dir := t.TempDir()
	for file, want := range map[string]string{
		"a.txt":                        "--export a.txt: the name must end in .json, .csv, .md, .svg or .html (see mrrun bench --help)",
		filepath.Join(dir, "no/a.svg"): fmt.Sprintf("bench: export %s/no/a.svg: there is no folder %[1]s/no", dir),
	} {
		if err := checkExports([]string{file}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", file, err, want)
		}
	}
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readReport(bad); err == nil || err.Error() != "bench: --against "+bad+": it is not what --export FILE.json writes" {
		t.Errorf("got %v", err)
	}
	if _, err := readReport(filepath.Join(dir, "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// The counterparts compute the same, where they are installed.
func TestPeers(t *testing.T) {
	book := filepath.Join(t.TempDir(), "book.txt")
	if err := os.WriteFile(book, []byte(strings.Repeat("the The end\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]string{
		"pi -n 1e4": "3.1414926535900", "factorial -n 10": "22", "factorial --range 3:6": "15", "wordcount " + book: "[('the', 2000)]",
	} {
		line := testLine(t, words)
		name, _, _ := strings.Cut(words, " ")
		ways, done, err := peersOf(t.Context(), name, line, []int{2})
		if err != nil {
			t.Logf("%s: %v", words, err) // neither Python nor C
			continue
		}
		defer done()
		for _, w := range ways {
			s, err := w.run(t.Context())
			if err != nil || !strings.HasPrefix(s.result, want) || s.seconds <= 0 {
				t.Errorf("%s by %s: got %+v, %v, want %s", words, w.Name, s, err, want)
			}
		}
	}
	if _, _, err := peersOf(t.Context(), "pi", testLine(t, "pi --digits 10"), nil); exitCode(err) != 2 {
		t.Errorf("digits have no counterpart: %v", err)
	}
	if _, _, err := peersOf(t.Context(), "groupby", testLine(t, "pi"), nil); exitCode(err) != 2 {
		t.Errorf("a job without counterparts: %v", err)
	}
}
