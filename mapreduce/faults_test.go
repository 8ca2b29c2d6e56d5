//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// A deed is what an item does to its worker.
type deed struct {
	N     int
	Do    string // empty: nothing
	Times int    // how many attempts do it
	Dir   string // where each attempt leaves a file; empty: nowhere
}

// A trace is what an item that survived says of itself.
type trace struct{ N, Attempt, PID int }

var (
	deedTask   *Task[deed, trace]
	deedsInJob *Job[deedJob, deed, int, int]
)

func init() { // not at their declarations: doDeed uses what they register
	deedTask = FuncContext(doDeed)
	deedsInJob = NewJob[deedJob]("deeds")
}

func doDeed(ctx context.Context, d deed) (trace, error) {
	w := CurrentWorker(ctx)
	if d.Dir != "" {
		// A file each, because an attempt that is cut short could leave half a line in a common one.
		f, err := os.CreateTemp(d.Dir, fmt.Sprintf("%d.", d.N))
		if err != nil {
			return trace{}, err
		}
		f.Close()
	}
	if d.Do != "" && w.Attempt <= d.Times {
		if err := misbehave(ctx, d); err != nil {
			return trace{}, err
		}
	}
	return trace{d.N, w.Attempt, w.PID}, nil
}

// misbehave does what its name says. What it returns is the error of the item.
func misbehave(ctx context.Context, d deed) error {
	switch d.Do {
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "SIGSEGV":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(hangTime)
	case "overflow":
		debug.SetMaxStack(1 << 20) // the usual gigabyte takes its time
		return fmt.Errorf("no overflow at %d", overflow(1))
	case "exit":
		os.Exit(3)
	case "Goexit":
		runtime.Goexit()
	case "panic elsewhere":
		go panic("out of a goroutine")
		time.Sleep(hangTime)
	case "fatal":
		// As unrecoverable as concurrent map writes, and certain: those are found by chance.
		new(sync.Mutex).Unlock()
	case "error":
		return errors.New("an error of the task")
	case "hang":
		time.Sleep(time.Hour) // not select{}: the runtime would call that a deadlock
	case "hang with child":
		startSleeper(d)
		time.Sleep(time.Hour)
	case "obey":
		<-ctx.Done()
		return ctx.Err()
	case "sleep":
		time.Sleep(300 * time.Millisecond)
	case "eat":
		eat()
	default:
		return garble(d.Do)
	}
	return nil
}

// exits is how workers end that do what the name says. An exit status of 2 is a crash of the Go runtime.
var exits = []struct {
	do     string
	signal syscall.Signal
	code   int
	stderr string // a part of its last words
}{
	{"SIGKILL", syscall.SIGKILL, -1, ""},
	{"SIGSEGV", 0, 2, "SIGSEGV"},
	{"overflow", 0, 2, "stack overflow"},
	{"exit", 0, 3, ""},
	{"Goexit", 0, exitGoexit, "Goexit"},
	{"panic elsewhere", 0, 2, "out of a goroutine"},
	{"fatal", 0, 2, "unlock of unlocked mutex"},
}

// silent keeps what dying workers print out of the test's output.
func silent() WorkerOption { return Output(func(OutputLine) {}) }

// deeds are n items of which those at victims do something.
func deeds(dir string, n int, do string, times int, victims ...int) []deed {
	all := make([]deed, n)
	for i := range all {
		all[i] = deed{N: i, Dir: dir}
		if slices.Contains(victims, i) {
			all[i].Do, all[i].Times = do, times
		}
	}
	return all
}

// attempts counts how often an item was begun.
func attempts(t *testing.T, dir string, item int) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("%d.*", item)))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// checkTraces fails the test unless all items but those of failed have their own result, at the first attempt if they are
// no victims: nobody else is blamed.
func checkTraces(t *testing.T, got []trace, failed []int, victims ...int) {
	t.Helper()
	for i, r := range got {
		switch {
		case slices.Contains(failed, i):
			if r != (trace{}) {
				t.Errorf("item %d failed, and has the result %+v", i, r)
			}
		case r.N != i || r.PID == 0:
			t.Errorf("item %d has the result %+v", i, r)
		case r.Attempt != 1 && !slices.Contains(victims, i):
			t.Errorf("item %d is blamed for what another did: attempt %d", i, r.Attempt)
		}
	}
}

// chunkSizes: alone, with neighbours, and as it comes.
var chunkSizes = []int{1, 10, 0}

func TestFaultOnce(t *testing.T) {
	checkLeaks(t)
	for _, test := range exits {
		t.Run(test.do, func(t *testing.T) {
			p := newPool(t, silent())
			for n, size := range chunkSizes {
				dir, victims := t.TempDir(), []int{0, 37, 99}
				got, err := deedTask.Map(t.Context(), p, deeds(dir, 100, test.do, 1, victims...), Chunksize(size))
				if err != nil {
					t.Fatalf("chunk size %d: %v", size, err)
				}
				checkTraces(t, got, nil, victims...)
				for _, v := range victims {
					if n := attempts(t, dir, v); got[v].Attempt != 2 || n < 2 {
						t.Errorf("chunk size %d: item %d was begun %d times, the last one as attempt %d; want 2", size, v, n, got[v].Attempt)
					}
				}
				if s := p.Stats(); s.Lost != 3*(n+1) || s.Retried != 3*(n+1) {
					t.Errorf("chunk size %d: %d workers are lost and %d items tried again in all, want %d", size, s.Lost, s.Retried, 3*(n+1))
				}
			}
			checkUsable(t, p)
		})
	}
}

func TestFaultAlways(t *testing.T) {
	checkLeaks(t)
	for _, test := range exits {
		t.Run(test.do, func(t *testing.T) {
			p := newPool(t, silent())
			for _, size := range chunkSizes {
				dir, victim := t.TempDir(), 37
				got, err := deedTask.Map(t.Context(), p, deeds(dir, 100, test.do, 1000, victim), Chunksize(size), Retries(1))
				checkTraces(t, got, []int{victim})
				lost := lostItem(t, err, victim)
				if lost.Attempts != 2 || lost.Signal != test.signal || lost.ExitCode != test.code {
					t.Errorf("chunk size %d: attempts %d, signal %v, exit code %d; want 2, %v, %d",
						size, lost.Attempts, lost.Signal, lost.ExitCode, test.signal, test.code)
				}
				if !strings.Contains(lost.Stderr, test.stderr) {
					t.Errorf("chunk size %d: its last words are %q, and should have %q", size, lost.Stderr, test.stderr)
				}
				if n := attempts(t, dir, victim); n != 2 {
					t.Errorf("chunk size %d: begun %d times, want 2", size, n)
				}
			}
			checkUsable(t, p)
		})
	}
}

// lostItem fails the test unless err is the failure of that item alone, by the loss of its worker.
func lostItem(t *testing.T, err error, item int) *WorkerLostError {
	t.Helper()
	failed, ok := errors.AsType[*TaskError](err)
	if all, many := errors.AsType[TaskErrors](err); !ok || failed.Index != item || many && len(all) != 1 {
		t.Fatalf("error %v, want the failure of item %d", err, item)
	}
	lost, ok := errors.AsType[*WorkerLostError](err)
	if !ok {
		t.Fatalf("error %v, want a WorkerLostError", err)
	}
	if lost.Index != item || lost.Worker == 0 || lost.PID <= 0 || lost.PID == os.Getpid() || lost.MaxRSS <= 0 {
		t.Errorf("WorkerLostError %+v", *lost)
	}
	return lost
}

func TestFaultRetries(t *testing.T) {
	checkLeaks(t)
	tests := []struct {
		name string
		opts []CallOption
		want int // attempts
	}{
		{"none", []CallOption{Retries(0)}, 1},
		{"one", []CallOption{Retries(1)}, 2},
		{"default", nil, 1 + DefaultRetries},
	}
	p := newPool(t, silent())
	for _, test := range tests {
		for _, size := range chunkSizes {
			t.Run(fmt.Sprint(test.name, size), func(t *testing.T) {
				opts := append([]CallOption{Chunksize(size)}, test.opts...)
				dir := t.TempDir()
				got, err := deedTask.Map(t.Context(), p, deeds(dir, 30, "SIGKILL", 1000, 17), opts...)
				checkTraces(t, got, []int{17})
				if lost := lostItem(t, err, 17); lost.Attempts != test.want || attempts(t, dir, 17) != test.want {
					t.Errorf("the error says %d attempts, there were %d; want %d", lost.Attempts, attempts(t, dir, 17), test.want)
				}
				// The last attempt is the one that succeeds.
				got, err = deedTask.Map(t.Context(), p, deeds("", 30, "SIGKILL", test.want-1, 17), opts...)
				if err != nil || got[17].Attempt != test.want {
					t.Errorf("an item that succeeds at attempt %d: attempt %d, %v", test.want, got[17].Attempt, err)
				}
			})
		}
	}
}

// Each of several items that kill their workers fails by itself, whatever verb they are in.
func TestFaultInEachVerb(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent(), Retries(0), Chunksize(10))
	items, victims := deeds("", 50, "exit", 1000, 5, 6, 49), []int{5, 6, 49}
	check := func(verb string, failed TaskErrors, err error) {
		t.Helper()
		var indexes []int
		for _, e := range failed {
			indexes = append(indexes, e.Index)
		}
		slices.Sort(indexes)
		if err != nil || !slices.Equal(indexes, victims) {
			t.Errorf("%s: failed %v, %v; want %v", verb, indexes, err, victims)
		}
	}
	got, err := deedTask.Map(t.Context(), p, items)
	failed, _ := errors.AsType[TaskErrors](err)
	check("Map", failed, nil)
	checkTraces(t, got, victims)
	results, failed, err := collect(deedTask.Imap(t.Context(), p, slices.Values(items)))
	check("Imap", failed, err)
	if len(results)+len(failed) < len(items) {
		t.Errorf("Imap: %d results", len(results))
	}
	failed, seen := nil, 0
	for _, err := range deedTask.ImapUnordered(t.Context(), p, slices.Values(items)) {
		if e, ok := errors.AsType[*TaskError](err); ok {
			failed = append(failed, e)
		} else if err == nil {
			seen++
		}
	}
	check("ImapUnordered", failed, nil)
	if seen != len(items)-len(victims) {
		t.Errorf("ImapUnordered: %d results", seen)
	}
	_, err = deedTask.Apply(t.Context(), p, items[5])
	lostItem(t, err, 0)
	_, err = deedsInJob.Run(t.Context(), p, deedJob{}, items)
	if _, ok := errors.AsType[*WorkerLostError](err); !ok {
		t.Errorf("Job.Run: error %v", err)
	}
}

// deedJob counts items by their last digit.
type deedJob struct{}

func (deedJob) Map(ctx context.Context, d deed, emit func(int, int)) error {
	if d.Do != "" && CurrentWorker(ctx).Attempt <= d.Times {
		if err := misbehave(ctx, d); err != nil {
			return err
		}
	}
	emit(d.N%10, d.N)
	return nil
}

func (deedJob) Combine(a, b int) int { return a + b }

const answersFD = 4 // of a worker, see package proc

// garble writes what is no answer to the driver.
func garble(how string) error {
	garbage := map[string]string{
		"ones":         strings.Repeat("\xff", 64),
		"text":         "a line that a C library printed to the wrong descriptor\n",
		"few bytes":    "m",
		"unknown kind": "mr\x01\xc8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"too long":     "mr\x01\x09\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
		"empty record": "mr\x01\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"not asked":    "mr\x01\x09\xff\xff\xff\x7f\x00\x00\x00\x00\x00\x00\x00\x00",
		"version":      "mr\x63\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	}[how]
	if garbage == "" {
		return fmt.Errorf("no deed %q", how)
	}
	_, err := syscall.Write(answersFD, []byte(garbage))
	return err
}

// A worker whose answers make no sense is lost, like one that died: its item is tried again, and nothing hangs.
func TestFaultGarbage(t *testing.T) {
	checkLeaks(t)
	for _, kind := range []string{"ones", "text", "few bytes", "unknown kind", "too long", "empty record", "not asked", "version"} {
		t.Run(kind, func(t *testing.T) {
			p := newPool(t, silent())
			ctx, cancel := context.WithTimeout(t.Context(), hangTime)
			defer cancel()
			// The driver may notice after the item that wrote it has ended, and then blame the one after it, or nobody:
			// so results are certain, and who was tried again is not.
			got, err := deedTask.Map(ctx, p, deeds("", 30, kind, 1, 11), Chunksize(10), Retries(5))
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				if r.N != i {
					t.Errorf("item %d has the result %+v", i, r)
				}
			}
			_, err = deedTask.Apply(ctx, p, deed{Do: kind, Times: 1000})
			if failed, ok := errors.AsType[*TaskError](err); err != nil && (!ok || !strings.Contains(failed.Msg, errNoAnswer.Error())) {
				t.Errorf("always: error %v", err)
			} else if err == nil {
				t.Error("always: no error")
			}
			checkUsable(t, p)
		})
	}
}

// dieVariable makes workers end before they reach Init, and names a folder where each leaves a file.
const dieVariable = "MRRUN_TEST_DIE"

func init() {
	if dir := os.Getenv(dieVariable); dir != "" && proc.Marked() {
		if f, err := os.CreateTemp(dir, "started"); err == nil {
			f.Close()
		}
		fmt.Fprintln(os.Stderr, "something is missing")
		os.Exit(9)
	}
}

// Workers that cannot start are a clear error, and are not started over and over.
func TestFaultNoWorkerStarts(t *testing.T) {
	checkLeaks(t)
	t.Run("from the beginning", func(t *testing.T) {
		dir := t.TempDir()
		p, err := NewPool(t.Context(), Procs(3), Spares(2), Env(dieVariable+"="+dir), silent())
		if err == nil {
			p.Close()
		}
		checkNoHello(t, err)
		if n := len(entries(dir)); n > 3+2+maxFailures {
			t.Errorf("%d processes were started", n)
		}
	})
	t.Run("later", func(t *testing.T) {
		p, err := NewPool(t.Context(), Procs(2), silent())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		checkUsable(t, p)
		dir := t.TempDir()
		t.Setenv(dieVariable, dir)
		// Both workers die, so that none is left to answer.
		_, err = deedTask.Map(t.Context(), p, deeds("", 10, "SIGKILL", 1000, numbers(10)...), Chunksize(1), Retries(1000))
		checkNoHello(t, err)
		checkNoHello(t, p.Close())
		if n := len(entries(dir)); n > 2*maxFailures {
			t.Errorf("%d processes were started", n)
		}
	})
}

func checkNoHello(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrNoHello) || !strings.Contains(err.Error(), "exit status 9") || !strings.Contains(err.Error(), "something is missing") {
		t.Errorf("error %v, want ErrNoHello with exit status and last words", err)
	}
}

// A worker that is killed while it has nothing to do is replaced, and nobody is told.
func TestFaultIdleWorkerKilled(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for range 3 {
		checkUsable(t, p)
		var killed []int
		for _, w := range p.Workers() {
			killed = append(killed, w.PID)
			_ = syscall.Kill(w.PID, syscall.SIGKILL)
		}
		eventually(t, hangTime, func() error {
			now := p.Workers()
			if len(now) != 2 || slices.ContainsFunc(now, func(w WorkerInfo) bool { return slices.Contains(killed, w.PID) }) {
				return fmt.Errorf("workers %v after %v were killed", now, killed)
			}
			return nil
		})
	}
	checkUsable(t, p)
	if s := p.Stats(); s.Retried != 0 {
		t.Errorf("%d items were tried again", s.Retried)
	}
}

// Workers die at random during many calls, and no result shows it.
func TestFaultRandomKills(t *testing.T) {
	checkLeaks(t)
	calls, kills := 200, 30
	if testing.Short() {
		calls, kills = 20, 10
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := newPool(t, Retries(100), silent())
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		killer := rand.New(rand.NewPCG(seed, 1))
		for range kills {
			// Not faster than workers start: five in a row that never answered end the pool, as they should.
			time.Sleep(time.Duration(20+killer.IntN(20)) * time.Millisecond)
			if workers := p.Workers(); len(workers) > 0 {
				_ = syscall.Kill(workers[killer.IntN(len(workers))].PID, syscall.SIGKILL)
			}
		}
	}()
	done := 0
	for over := false; !over || done < calls; done++ {
		n := 1 + random.IntN(200)
		want, items := numbers(n), deeds("", n, "", 0)
		size := Chunksize(random.IntN(12))
		var got []trace
		var err error
		switch done % 3 {
		case 0:
			got, err = deedTask.Map(t.Context(), p, items, size)
		case 1:
			var failed TaskErrors
			got, failed, err = collect(deedTask.Imap(t.Context(), p, slices.Values(items), size))
			if len(failed) > 0 {
				err = failed
			}
		case 2:
			sums, jerr := deedsInJob.Run(t.Context(), p, deedJob{}, items, size)
			if serial := serially(t, deedJob{}, items); jerr != nil || !maps.Equal(sums, serial) {
				t.Errorf("call %d, a job: %v, %v; want %v", done, sums, jerr, serial)
			}
		}
		if done%3 != 2 && (err != nil || !slices.EqualFunc(got, want, func(r trace, n int) bool { return r.N == n })) {
			t.Errorf("call %d of %d items: %v, %v", done, n, got, err)
		}
		if t.Failed() {
			break
		}
		select {
		case <-killed:
			over = true
		default:
		}
	}
	<-killed
	t.Logf("%d calls: %+v", done, p.Stats())
	checkUsable(t, p)
}

// All verbs, options and faults at random: the results are those of a loop.
func TestFaultModel(t *testing.T) {
	checkLeaks(t)
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	for range rounds {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		modelRound(t, random)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func modelRound(t *testing.T, random *rand.Rand) {
	inProcess := random.IntN(4) == 0
	options := []PoolOption{silent(), Procs(1 + random.IntN(4)), Retries(1 + random.IntN(3)), Chunksize(random.IntN(20))}
	if inProcess {
		options = append(options, InProcess())
	}
	if random.IntN(2) == 0 {
		options = append(options, Spares(1+random.IntN(2)))
	}
	if random.IntN(2) == 0 {
		options = append(options, MaxTasksPerWorker(1+random.IntN(50)))
	}
	p, err := NewPool(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	for range 4 {
		n := random.IntN(100)
		items := deeds("", n, "", 0)
		var failing []int
		for i := range items {
			switch r := random.IntN(100); {
			case r < 3:
				items[i].Do, items[i].Times = "error", 1000
				failing = append(failing, i)
			case r < 5 && !inProcess:
				items[i].Do, items[i].Times = exits[random.IntN(len(exits))].do, 1
			}
		}
		modelVerb(t, p, random, items, failing)
	}
}

// modelVerb computes items by a random verb; those at failing fail.
func modelVerb(t *testing.T, p *Pool, random *rand.Rand, items []deed, failing []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangTime)
	defer cancel()
	verb := []string{"Map", "MapAsync", "Imap", "ImapUnordered", "Apply", "ApplyAsync", "Fold", "Job"}[random.IntN(8)]
	results := make(map[int]int)
	var failed []int
	take := func(i int, r trace, err error) {
		if err == nil {
			results[i] = r.N
		} else if e, ok := errors.AsType[*TaskError](err); ok && e.Msg == "an error of the task" {
			failed = append(failed, i)
		} else {
			t.Errorf("%s: item %d: %v", verb, i, err)
		}
	}
	takeAll := func(all []trace, err error) {
		errs, _ := errors.AsType[TaskErrors](err)
		at := make(map[int]error)
		for _, e := range errs {
			at[e.Index] = e
		}
		if err != nil && len(errs) == 0 {
			t.Errorf("%s: %v", verb, err)
		}
		for i, r := range all {
			take(i, r, at[i])
		}
	}
	switch verb {
	case "Map":
		takeAll(deedTask.Map(ctx, p, items))
	case "MapAsync":
		takeAll(deedTask.MapAsync(ctx, p, items).Get(ctx))
	case "Imap":
		i := 0
		for r, err := range deedTask.Imap(ctx, p, slices.Values(items)) {
			take(i, r, err)
			i++
		}
	case "ImapUnordered":
		for item, err := range deedTask.ImapUnordered(ctx, p, slices.Values(items)) {
			take(item.Index, item.Value, err)
		}
	case "Apply":
		for i := range items {
			r, err := deedTask.Apply(ctx, p, items[i])
			take(i, r, err)
		}
	case "ApplyAsync":
		var futures []*Future[trace]
		for i := range items {
			futures = append(futures, deedTask.ApplyAsync(ctx, p, items[i]))
		}
		for i, f := range futures {
			r, err := f.Get(ctx)
			take(i, r, err)
		}
	case "Fold":
		checkFold(ctx, t, p, items, failing)
		return
	case "Job":
		sums, err := deedsInJob.Run(ctx, p, deedJob{}, items)
		if len(failing) > 0 {
			if e, ok := errors.AsType[*TaskError](err); !ok || !slices.Contains(failing, e.Index) {
				t.Errorf("job: error %v, want that of one of the items %v", err, failing)
			}
		} else if want := serially(t, deedJob{}, plain(items)); err != nil || !maps.Equal(sums, want) {
			t.Errorf("job: %v, %v; want %v", sums, err, want)
		}
		return
	}
	slices.Sort(failed)
	want := make(map[int]int)
	for i := range items {
		if !slices.Contains(failing, i) {
			want[i] = i
		}
	}
	if !maps.Equal(results, want) || !slices.Equal(failed, failing) {
		t.Errorf("%s of %d items, pool %+v: failed %v, want %v; results %v", verb, len(items), p.options, failed, failing, results)
	}
}

// checkFold: a fold stops at the first failing item.
func checkFold(ctx context.Context, t *testing.T, p *Pool, items []deed, failing []int) {
	t.Helper()
	got, err := Fold(ctx, p, deedTask, slices.Values(items), nil, func(all []int, r trace) ([]int, error) { return append(all, r.N), nil })
	want := numbers(len(items))
	if len(failing) > 0 {
		want = want[:failing[0]]
	}
	if !slices.Equal(got, want) || (err == nil) != (len(failing) == 0) {
		t.Errorf("Fold of %d items: %v, %v; want %v", len(items), got, err, want)
	}
}

// plain are the items without their deeds.
func plain(items []deed) []deed {
	items = slices.Clone(items)
	for i := range items {
		items[i].Do = ""
	}
	return items
}

// BenchmarkKilledWorker is what a call of one item costs more when its worker is killed once.
func BenchmarkKilledWorker(b *testing.B) {
	for _, spares := range []int{0, 1} {
		b.Run(fmt.Sprintf("spares=%d", spares), func(b *testing.B) {
			p := newPool(b, Procs(1), Spares(spares), silent())
			var alone, killed time.Duration
			for b.Loop() {
				alone += timeApply(b, p, deed{})
				killed += timeApply(b, p, deed{Do: "SIGKILL", Times: 1})
				time.Sleep(20 * time.Millisecond) // the next spare starts meanwhile
			}
			b.ReportMetric((killed-alone).Seconds()*1e3/float64(b.N), "extra-ms")
			b.ReportMetric(alone.Seconds()*1e3/float64(b.N), "alone-ms")
		})
	}
}

func timeApply(b *testing.B, p *Pool, d deed) time.Duration {
	start := time.Now()
	if _, err := deedTask.Apply(b.Context(), p, d); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
