package mapreduce

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// A speech says what is printed, how often, and where.
type speech struct {
	Text   string
	Times  int
	Stderr bool
}

var speak = FuncContext(func(ctx context.Context, s speech) (int, error) {
	to := os.Stdout
	if s.Stderr {
		to = os.Stderr
	}
	w := CurrentWorker(ctx)
	for i := range s.Times {
		line := fmt.Sprintf("%d %d %d %s", w.ID, w.Index, i, s.Text)
		half := len(line) / 2
		fmt.Fprint(to, line[:half])
		fmt.Fprint(to, line[half:]+"\n")
	}
	return w.ID, nil
})

var printRaw = Func(func(text string) int {
	fmt.Print(text)
	return 0
})

// outputOf runs f with a pool whose workers' lines it returns.
func outputOf(t *testing.T, procs int, f func(*Pool)) []OutputLine {
	t.Helper()
	var lines []OutputLine
	p, err := NewPool(t.Context(), Procs(procs), Output(func(l OutputLine) { lines = append(lines, l) }))
	if err != nil {
		t.Fatal(err)
	}
	f(p)
	if err := p.Close(); err != nil { // by then all lines have come
		t.Error(err)
	}
	return lines
}

func TestOutputIsWhole(t *testing.T) {
	const items, times = 24, 20
	long := strings.Repeat("0123456789", 300)
	lines := outputOf(t, 4, func(p *Pool) {
		args := make([]speech, items)
		for i := range args {
			args[i] = speech{long, times, i%2 == 1}
		}
		if _, err := speak.Map(t.Context(), p, args, Chunksize(1)); err != nil {
			t.Error(err)
		}
	})
	next := make([]int, items)
	for _, l := range lines {
		var worker, item, i int
		var text string
		n, err := fmt.Sscan(l.Text, &worker, &item, &i, &text)
		if n != 4 || err != nil || text != long || item >= items {
			t.Fatalf("a broken line: %.100q", l.Text)
		}
		if l.Worker != worker || l.Stderr != (item%2 == 1) {
			t.Errorf("of worker %d, item %d: %+v", worker, item, OutputLine{Worker: l.Worker, Item: l.Item, Stderr: l.Stderr})
		}
		if i != next[item] {
			t.Errorf("item %d: line %d comes in place of %d", item, i, next[item])
		}
		next[item] = i + 1
	}
	if len(lines) != items*times {
		t.Errorf("%d lines, want %d", len(lines), items*times)
	}
}

func TestOutputOfItem(t *testing.T) {
	m := newMeeting(t)
	arrived := make(chan OutputLine, 10)
	p := newPool(t, Output(func(l OutputLine) { arrived <- l }))
	f := printAndMeet.MapAsync(t.Context(), p, []place{m.place(), m.place()})
	first, second := m.await(), m.await()
	got := []OutputLine{<-arrived, <-arrived}
	slices.SortFunc(got, func(a, b OutputLine) int { return a.Item - b.Item })
	for i, l := range got {
		if l.Item != i || l.Text != "hello" || l.Worker == 0 {
			t.Errorf("%+v", l)
		}
	}
	first.letGo()
	second.letGo()
	if _, err := f.Get(t.Context()); err != nil {
		t.Error(err)
	}
}

var printAndMeet = FuncContext(func(ctx context.Context, at place) (int, error) {
	fmt.Println("hello")
	return meetDriver(ctx, at)
})

func TestOutputLongAndUnended(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	lines := outputOf(t, 1, func(p *Pool) {
		if _, err := printRaw.Map(t.Context(), p, []string{"a\n", "\n", long + "\nb", "c\nlast"}); err != nil {
			t.Error(err)
		}
	})
	var texts []string
	for _, l := range lines {
		if len(l.Text) > 0 && strings.Trim(l.Text, "x") == "" {
			if n := len(l.Text); n > 72<<10 {
				t.Errorf("a line of %d bytes", n)
			}
			if last := len(texts) - 1; last >= 0 && strings.HasPrefix(texts[last], "x") {
				texts[last] += l.Text
				continue
			}
		}
		texts = append(texts, l.Text)
	}
	if want := []string{"a", "", long, "bc", "last"}; !slices.Equal(texts, want) {
		t.Errorf("%d lines: %.50q", len(texts), texts)
	}
}

func TestOutputLineString(t *testing.T) {
	for want, l := range map[string]OutputLine{
		"[worker 2, item 17] hello": {Worker: 2, Item: 17, Text: "hello"},
		"[worker 2, item 0] ":       {Worker: 2, Stderr: true},
		"[worker 3] hello":          {Worker: 3, Item: -1, Text: "hello"},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The item of a line is right or missing, however short the items are.
func TestOutputOfShortItems(t *testing.T) {
	const items = 2000
	for _, size := range []int{0, 1, 50} {
		lines := outputOf(t, 2, func(p *Pool) {
			args := make([]speech, items)
			for i := range args {
				args[i] = speech{Text: "x", Times: 1 + i%2, Stderr: i%3 == 0}
			}
			if _, err := speak.Map(t.Context(), p, args, Chunksize(size)); err != nil {
				t.Error(err)
			}
		})
		for _, l := range lines {
			var worker, item int
			if _, err := fmt.Sscan(l.Text, &worker, &item); err != nil || l.Item >= 0 && l.Item != item {
				t.Errorf("chunks of %d: %+v", size, l)
			}
		}
		if len(lines) != items*3/2 {
			t.Errorf("%d lines", len(lines))
		}
	}
}

// The item of a line is known if the item runs on after it, whatever earlier items printed, however
// rarely.
func TestOutputOfSlowItems(t *testing.T) {
	heard := make(chan OutputLine)
	p := newPool(t, Procs(1), Output(func(l OutputLine) { heard <- l }))
	m := newMeeting(t)
	speech := func(n int) []speech { return slices.Repeat([]speech{{Text: "before", Times: 1}}, n) }
	for _, before := range []int{0, 100} {
		quick := speak.MapAsync(t.Context(), p, speech(before))
		for range before {
			<-heard
		}
		if _, err := quick.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := printAndMeet.MapAsync(t.Context(), p, []place{m.place(), m.place(), m.place()})
		for i := range 3 {
			at := m.await()
			if l := <-heard; l.Item != i || l.Text != "hello" {
				t.Errorf("after %d lines: %+v, want item %d", before, l, i)
			}
			at.letGo()
		}
		if _, err := f.Get(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// PrintTo has the lines of workers go elsewhere, each in one write.
func TestPrintTo(t *testing.T) {
	var stdout, stderr strings.Builder
	p := newPool(t, Procs(1), PrintTo(&stdout, &stderr))
	if _, err := printBoth.Apply(t.Context(), p, "here"); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(stdout.String(), "] out here\n") || !strings.HasSuffix(stderr.String(), "] err here\n") {
		t.Errorf("got %q and %q", stdout.String(), stderr.String())
	}
}

var printBoth = Func(printToBoth)

func printToBoth(s string) int {
	fmt.Println("out", s)
	fmt.Fprintln(os.Stderr, "err", s)
	return 0
}
