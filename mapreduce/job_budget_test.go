package mapreduce

import (
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mrrun/internal/shuffle"
)

// Within any budget the results are the same. What does not fit in memory lies in files that have
// no name.
func TestJobBudget(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, budget := range []int64{1, 1000, 100 << 10, 70 << 20, 1 << 40} {
		p := newPool(t, MemoryBudget(budget))
		checkResults(t, p, manyReduced, manyReduce{2000}, numbers(20))
		checkResults(t, p, manyCombined, manyCombine{2000}, numbers(20))
		checkReadyJob(t, p, readyInts.max, maxOf[string, int]{}, func(a, b int) int { return max(a, b) })
		if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
			t.Errorf("budget %d: %v, %v is left in TMPDIR", budget, left, err)
		}
	}
}

// bigJob has one key with large values only.
type bigJob struct{ Bytes int }

func (j bigJob) Map(_ context.Context, n int, emit func(int, []byte)) error {
	emit(1, make([]byte, j.Bytes))
	return nil
}

func (bigJob) Reduce(_ int, values iter.Seq[[]byte]) []byte {
	n := 0
	for v := range values {
		n += len(v)
	}
	return make([]byte, n>>20)
}

var bigValues = NewJob[bigJob]("big")

// Values that do not fit in memory together are read one by one, and one that does not fit alone is
// an error. What a worker writes beyond the budget is in the file on disk, and the stacks of its
// threads do not count.
func TestJobBudgetValues(t *testing.T) {
	p := newPool(t, Procs(1), MemoryBudget(45<<20), MemoryLimit(testMemory/2), Env("GOMAXPROCS=16"))
	r, err := bigValues.Results(t.Context(), p, bigJob{4 << 20}, numbers(50))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok, err := r.Get(1); len(v) != 200 || !ok || err != nil {
		t.Errorf("%d, %v, %v", len(v), ok, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	p = newPool(t, Procs(1), MemoryBudget(45<<20))
	if _, err := bigValues.Run(t.Context(), p, bigJob{12 << 20}, numbers(1)); err == nil || !strings.Contains(err.Error(), "memory budget allows") {
		t.Errorf("a value of 12 MiB: %v", err)
	}
	checkUsable(t, p)
}

func TestJobBudgetNoDirectory(t *testing.T) {
	p := newPool(t)
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	_, err := manyReduced.Run(t.Context(), p, manyReduce{10}, numbers(2), MemoryBudget(1))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("%v; want an error about %s", err, missing)
	}
	if got, err := manyReduced.Run(t.Context(), p, manyReduce{10}, numbers(2)); err != nil || len(got) == 0 {
		t.Errorf("without a budget: %v, %v", got, err)
	}
}

// A full disk is an error that says where and how much, and leaves nothing.
func TestJobDiskFull(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	p := newPool(t, InProcess(), MemoryBudget(1))
	want, err := manyCombined.Run(t.Context(), p, manyCombine{100}, numbers(10))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		var options []CallOption
		if i%2 == 0 { // a full disk is no failure of a piece
			options = append(options, KeepGoing())
		}
		stop := shuffle.FailAppends(syscall.ENOSPC)
		_, err := manyCombined.Run(t.Context(), p, manyCombine{100}, numbers(10), options...)
		stop()
		if err == nil || !strings.Contains(err.Error(), "bytes to a spill file in "+dir) || !strings.Contains(err.Error(), "no space left") {
			t.Fatalf("%v", err)
		}
		if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
			t.Fatalf("%v, %v is left", left, err)
		}
	}
	if got, err := manyCombined.Run(t.Context(), p, manyCombine{100}, numbers(10)); err != nil || !maps.Equal(got, want) {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// wideJob has many keys with large values, which are combined.
type wideJob struct{ Keys, Bytes int }

func (j wideJob) Map(_ context.Context, _ int, emit func(int, []byte)) error {
	for k := range j.Keys {
		emit(k, make([]byte, j.Bytes))
	}
	return nil
}

func (wideJob) Combine(a, _ []byte) []byte { return a }

var wideValues = NewJob[wideJob]("wide")

// A chunk holds no more values to be combined than the budget has room for.
func TestJobBudgetCombines(t *testing.T) {
	p := newPool(t, Procs(1), MemoryBudget(45<<20), MemoryLimit(testMemory/2))
	r, err := wideValues.Results(t.Context(), p, wideJob{3000, 128 << 10}, numbers(1)) // 375 MiB
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() != 3000 {
		t.Errorf("%d keys", r.Len())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
