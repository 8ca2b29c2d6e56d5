package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mrrun/mapreduce"
)

// A tally counts numbers by their last digit; 1013 fails.
type tally struct{ mapreduce.Count }

func (tally) Map(_ context.Context, n int, emit func(digit int, times int64)) error {
	emit(n%10, 1)
	if n == 1013 {
		return errors.New("1013 is unlucky")
	}
	return nil
}

var tallies = mapreduce.NewJob[tally]("tally")

// A tallier tallies the numbers from 1000 to 1019.
type tallier struct {
	found   map[int]int64
	collect func(*mapreduce.Result[int, int64]) // called by Collect; may be nil
}

func (k *tallier) Split(context.Context, []string) (Pieces[int], error) {
	var all []int
	for n := range 20 {
		all = append(all, 1000+n)
	}
	return PiecesOf(all), nil
}

func (k *tallier) Job() tally { return tally{} }

func (k *tallier) Collect(values *mapreduce.Result[int, int64]) error {
	if k.collect != nil {
		k.collect(values)
	}
	k.found = map[int]int64{}
	for digit, n := range values.All() {
		k.found[digit] = n
	}
	return nil
}

func (k *tallier) Show(w io.Writer) error { _, err := fmt.Fprintln(w, k.found); return err }
func (k *tallier) Result() any            { return k.found }
func (k *tallier) Params() any            { return nil }
func (k *tallier) Units() int64           { return 20 }

func tallyCommand() Command {
	return Command{Name: "tally", Summary: "Count digits.", New: func(*Flags) Work {
		return Keyed(tallies, &tallier{})
	}}
}

// With --only, only these pieces run, and messages have their own numbers.
func TestOnly(t *testing.T) {
	closed := 0
	withCommands(t, tallyCommand(), doubleCommand(&closed, func(d *doubler) { d.first = 1000 }))
	for line, want := range map[string]string{
		"double --quiet --only 2":                          "2002\n",
		"double --quiet --only 1,3-4,10":                   "8028\n",
		"double --quiet --limit 20 --only 13 --only 15,16": "", // 1014 panics
		"tally --quiet --only 1,11-13":                     "map[0:2 1:1 2:1]\n",
	} {
		got, err := runLine(t, nil, line)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("mrrun %s: got %q, %v, want %q", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		"double --only 11":                    "--only 11: the job has 10 pieces (see mrrun double --help)",
		"tally --only 3,21":                   "--only 3,21: the job has 20 pieces (see mrrun tally --help)",
		"double --quiet --limit 20 --only 14": "double: piece 14 failed: 1013 is unlucky",
		"tally --quiet --only 12-14":          "tally: piece 14 failed: 1013 is unlucky",
	} {
		if _, err := runLine(t, nil, line); err == nil || err.Error() != want {
			t.Errorf("mrrun %s: got %v, want %s", line, err, want)
		}
	}
}

// Pieces whose number is not known beforehand are checked when they have come.
func TestOnlyOfUnknown(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, nil)
	c.New = func(*Flags) Work { return Fold(double, &endless{doubler: doubler{limit: 10, closed: &closed}}) }
	r := running(2, 0)
	for list, want := range map[string]string{"3,9-10": "38", "11": "--only 11: the job has 10 pieces (see mrrun double --help)"} {
		if err := r.Only.Set(list); err != nil {
			t.Fatal(err)
		}
		run, err := newTestLine(t, c).Run(t.Context(), r)
		if err != nil && err.Error() != want || err == nil && fmt.Sprint(run.Result()) != want {
			t.Errorf("--only %s: got %v, want %s", list, err, want)
		}
	}
}

// An endless is a doubler that does not say how many numbers there are.
type endless struct{ doubler }

func (d *endless) Split(ctx context.Context, args []string) (Pieces[int], error) {
	all, err := d.doubler.Split(ctx, args)
	all.Count = 0
	return all, err
}

// With --keep-going, all other pieces are done when some fail, and the failed ones are named.
func TestKeepGoing(t *testing.T) {
	closed := 0
	withCommands(t, tallyCommand(), doubleCommand(&closed, func(d *doubler) { d.first = 1000 }))
	for _, tt := range []struct{ line, out, err string }{
		{"double --limit 13 --keep-going", "26156\n", ""},
		{"double --limit 20 --keep-going", "36326\n",
			"double: 2 of 20 pieces failed, and the result is that of the others; again: mrrun double --limit 20 --keep-going --only 14,15"},
		{"double --limit 20 --keep-going --only 13-14", "2024\n",
			"double: 1 of 2 pieces failed, and the result is that of the others; again: mrrun double --limit 20 --keep-going --only 13-14 --only 14"},
		{"tally --keep-going --procs 2", "map[0:2 1:2 2:2 3:1 4:2 5:2 6:2 7:2 8:2 9:2]\n",
			"tally: 1 of 20 pieces failed, and the result is that of the others; again: mrrun tally --keep-going --procs 2 --only 14"},
		{"tally --keep-going --only 13,14 --start inprocess", "map[2:1]\n",
			"tally: 1 of 2 pieces failed, and the result is that of the others; again: mrrun tally --keep-going --only 13,14 --start inprocess --only 14"},
	} {
		got, err := runLine(t, nil, tt.line)
		if got != tt.out || tt.err == "" != (err == nil) {
			t.Errorf("mrrun %s: got %q, %v, want %q", tt.line, got, err, tt.out)
		}
		if err != nil && (err.Error() != tt.err || exitCode(err) != exitPartial) {
			t.Errorf("mrrun %s: got status %d, %v, want %s", tt.line, exitCode(err), err, tt.err)
		}
	}
	if got, err := runLine(t, nil, "tally --json --quiet --keep-going"); !strings.Contains(got, `"failed":[14],`) || err == nil {
		t.Errorf("got %s, %v", got, err)
	}
	// Where nothing is done, there is no result.
	got, err := runLine(t, nil, "double --limit 20 --keep-going --only 14")
	if want := "double: all 1 pieces failed; piece 14 failed: 1013 is unlucky"; err == nil || err.Error() != want || got != "" || exitCode(err) != 1 {
		t.Errorf("got %q, %v, want %s", got, err, want)
	}
	// Other errors end the run.
	got, err = runLine(t, nil, "double --keep-going a b")
	if got != "" || exitCode(err) != exitUsage {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFailuresAreListed(t *testing.T) {
	line := newTestLine(t, tallyCommand())
	r := &Run{line: line, engine: &engine{pieces: 9}, Pieces: 9}
	for _, i := range []int{1, 3, 4, 5, 6, 8} {
		r.Failed = append(r.Failed, Failure{i + 1, &mapreduce.TaskError{Index: i, Msg: "no"}})
	}
	want := []string{"tally: piece 2 of 9 failed: no", "tally: piece 4 of 9 failed: no", "tally: piece 5 of 9 failed: no", "tally: 3 more failed: pieces 6,7,9"}
	if got := r.failures(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// seen is what a task has of the pool's options.
type seen struct {
	PID, Place int
	Random     uint64
}

var look = mapreduce.FuncContext(func(ctx context.Context, _ int) (seen, error) {
	return seen{os.Getpid(), mapreduce.CurrentWorker(ctx).Place, mapreduce.Rand(ctx).Uint64()}, nil
})

type looker struct {
	doubler
	all []seen
}

func (l *looker) Add(s seen) error { l.all = append(l.all, s); return nil }

// The options of the pool arrive there.
func TestPoolOptions(t *testing.T) {
	closed := 0
	see := func(change func(*Running)) []seen {
		t.Helper()
		l := &looker{doubler: doubler{limit: 6, closed: &closed}}
		c := Command{Name: "look", Summary: "Look.", New: func(*Flags) Work { return Fold(look, l) }}
		r := running(2, 1)
		change(&r)
		if _, err := newTestLine(t, c).Run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return l.all
	}
	plain := see(func(*Running) {})
	pids := map[int]bool{}
	for _, s := range see(func(r *Running) {
		r.MaxTasksPerWorker, r.Nice, r.Backups, r.Pin, r.MemoryLimit = 1, 3, true, true, 1<<30
	}) {
		pids[s.PID] = true
	}
	if len(pids) != 6 {
		t.Errorf("--max-tasks-per-worker 1: %d workers ran 6 pieces", len(pids))
	}
	if got := see(func(r *Running) { r.Start = "inprocess" }); got[0].PID != os.Getpid() {
		t.Errorf("--start inprocess: pid %d, want %d", got[0].PID, os.Getpid())
	}
	if plain[0].PID == os.Getpid() {
		t.Error("a piece ran in this process")
	}
	if got := see(func(r *Running) { r.Seed = 7 }); got[0].Random == plain[0].Random {
		t.Error("--seed 7 changed no random number")
	}
	if got := see(func(r *Running) { r.Start = "spare" }); got[0].Random != plain[0].Random {
		t.Error("the same seed gave other random numbers")
	}
}

func TestFlagsThatDoNotGoTogether(t *testing.T) {
	closed := 0
	withCommands(t, doubleCommand(&closed, nil))
	for _, flag := range []string{"--pin", "--nice", "--memory-limit"} {
		value := map[string]string{"--nice": " 5", "--memory-limit": " 1G"}[flag]
		_, err := runLine(t, nil, "double --start inprocess "+flag+value)
		want := flag + " needs worker processes, and --start inprocess has none: leave one of them out (see mrrun double --help)"
		if err == nil || err.Error() != want || exitCode(err) != exitUsage {
			t.Errorf("%s: got %v, want %s", flag, err, want)
		}
	}
	_, err := runLine(t, nil, "double --start fork")
	if want := "--start fork: it takes exec, spare or inprocess (see mrrun double --help)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// diesOnce kills its worker at the first attempt.
var diesOnce = mapreduce.FuncContext(func(ctx context.Context, n int) (int, error) {
	if mapreduce.CurrentWorker(ctx).Attempt == 1 {
		os.Exit(9)
	}
	return n, nil
})

func TestRetriesAndTimeout(t *testing.T) {
	closed := 0
	c := Command{Name: "die", Summary: "Die.", New: func(*Flags) Work {
		return Fold(diesOnce, &doubler{limit: 1, first: 5, closed: &closed})
	}}
	r := running(1, 0)
	if run, err := newTestLine(t, c).Run(t.Context(), r); err != nil || run.Result() != int64(5) || run.Retried != 1 {
		t.Errorf("with retries: %v", err)
	}
	r.Retries = 0
	if _, err := newTestLine(t, c).Run(t.Context(), r); err == nil || !strings.Contains(err.Error(), "piece 1 of 1 failed: ") {
		t.Errorf("without retries: %v", err)
	}
}

var hang = mapreduce.Func(func(int) int { select {} })

func TestTimeoutOfAPiece(t *testing.T) {
	closed := 0
	c := Command{Name: "hang", Summary: "Hang.", New: func(*Flags) Work {
		return Fold(hang, &doubler{limit: 1, closed: &closed})
	}}
	r := running(1, 0)
	r.Timeout = 20 * time.Millisecond
	_, err := newTestLine(t, c).Run(t.Context(), r)
	if !errors.Is(err, mapreduce.ErrTimeout) || !strings.HasPrefix(err.Error(), "hang: piece 1 of 1 failed: ") {
		t.Errorf("got %v", err)
	}
}

// The line that runs pieces again writes to no file of the first run.
func TestAgainLeavesFiles(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, nil)
	c.Args = "FILE..."
	r := DefaultRunning()
	for words, want := range map[string]string{
		"--joblog log a -- --joblog": "mrrun double a --only 3 -- --joblog",
		"-joblog=log --quiet a":      "mrrun double --quiet a --only 3",
		"--quiet -procs 2 a b":       "mrrun double --quiet -procs 2 a b --only 3",
	} {
		l, err := NewLine("mrrun double", c, strings.Fields(words), r.bind)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.again("--only", "3"); got != want {
			t.Errorf("%s: again: %s, want %s", words, got, want)
		}
	}
}

// Where all pieces have failed there is nothing to collect, nor to write over a result of before.
func TestKeepGoingWithNothing(t *testing.T) {
	c, collected := tallyCommand(), false
	c.New = func(*Flags) Work {
		return Keyed(tallies, &tallier{collect: func(*mapreduce.Result[int, int64]) { collected = true }})
	}
	r := running(2, 0)
	r.Only, r.KeepGoing = numbersOf([]int{14}), true
	if _, err := newTestLine(t, c).Run(t.Context(), r); err == nil || !strings.Contains(err.Error(), "all 1 pieces failed") || collected {
		t.Errorf("got %v, collected %v", err, collected)
	}
}
