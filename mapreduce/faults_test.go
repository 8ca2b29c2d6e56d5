//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mrrun/mapreduce/internal/proc"
)

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

// lostItem fails the test unless err is the failure of only that item, by the loss of its worker.
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

// What a worker has inherited; see package proc.
const (
	answersFD = 4
	memoryFD  = 5
)

// hasRings reports whether answers go through shared memory.
func hasRings() bool { return os.Getenv(proc.PipesVariable) == "" }

// garble writes something that is not an answer to the driver.
func garble(ctx context.Context, how string) error {
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
	_, err := io.WriteString(currentItem(ctx).chunk.process.Answers, garbage)
	return err
}

// A worker whose answers make no sense is lost, like one that died: its item is tried again, and
// nothing hangs.
func TestFaultGarbage(t *testing.T) {
	checkLeaks(t)
	for _, kind := range []string{"ones", "text", "few bytes", "unknown kind", "too long", "empty record", "not asked", "version"} {
		t.Run(kind, func(t *testing.T) {
			p := newPool(t, silent())
			ctx, cancel := context.WithTimeout(t.Context(), hangTime)
			defer cancel()
			// The driver may notice only after the item that wrote the garbage has ended, and then
			// blame the next item or none. So the results are certain, but not which item is tried
			// again.
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

var overwriteRings = FuncContext(func(_ context.Context, n int) (int, error) {
	words, err := syscall.Mmap(memoryFD, 0, 1024, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	for i := range words {
		words[i] = byte(i)
	}
	return n, err
})

// A worker that overwrites the memory through which it answers is lost, like one that died.
func TestFaultMemoryOverwritten(t *testing.T) {
	if !hasRings() {
		return
	}
	p := newPool(t, silent())
	for range 5 {
		_, err := overwriteRings.Apply(t.Context(), p, 1)
		lostItem(t, err, 0)
	}
	checkUsable(t, p)
}

// tear dies, the first time, while its answer is under way.
var tear = FuncContext(func(ctx context.Context, n int) (int, error) {
	if CurrentWorker(ctx).Attempt > 1 {
		return -n, nil
	}
	half := "mr\x01\x09\x01\x00\x00\x00\xe8\x03\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", n)
	_, _ = io.WriteString(currentItem(ctx).chunk.process.Answers, half)
	return n, syscall.Kill(os.Getpid(), syscall.SIGKILL)
})

// A part of an answer is none, however large it is.
func TestFaultTornAnswer(t *testing.T) {
	checkLeaks(t)
	p := newPool(t, silent())
	for _, n := range []int{0, 1, 8, 9, 500, 999} {
		if got, err := tear.Apply(t.Context(), p, n, Retries(1)); got != -n || err != nil {
			t.Errorf("%d bytes of an answer: %d, %v", n, got, err)
		}
		_, err := tear.Apply(t.Context(), p, n, Retries(0))
		lostItem(t, err, 0)
	}
}

var printToBell = Func(func(n int) int {
	_, _ = syscall.Write(answersFD, []byte("a line that a C library printed to the wrong descriptor\n"))
	return -n
})

// Where answers go through shared memory, what a worker prints to its pipe disturbs nothing.
func TestFaultPrintedToBell(t *testing.T) {
	if !hasRings() {
		return
	}
	p := newPool(t, Retries(0))
	for i := range 20 {
		if got, err := printToBell.Apply(t.Context(), p, i); got != -i || err != nil {
			t.Fatalf("item %d: %d, %v", i, got, err)
		}
	}
}

// dieVariable makes workers end before they reach Init, and names the folder where each leaves a
// file.
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

// Workers that cannot start cause a clear error, and the pool does not start them over and over.
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

// A worker that is killed while it has nothing to do is replaced, and no call fails.
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
