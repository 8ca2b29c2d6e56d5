package mapreduce

import (
	"context"
	"errors"
	"iter"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A hardJob fails in its Combine or its Reduce, which run after all of its Maps.
type hardJob struct{ How string }

func (hardJob) Map(_ context.Context, n int, emit func(string, int)) error { emit("k", n); return nil }

func (j hardJob) Reduce(_ string, values iter.Seq[int]) (sum int) {
	j.suffer()
	for n := range values {
		sum += n
	}
	return sum
}

var errHard = errors.New("too hard")

var _ = func() bool { RegisterError(errHard); return true }()

func (j hardJob) suffer() {
	switch j.How {
	case "hang":
		select {}
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "fail":
		panic(errHard)
	}
}

// A hardCombine combines values of different pieces only in the reducer.
type hardCombine struct{ hardMap }

type hardMap struct{ How string }

func (hardMap) Map(_ context.Context, n int, emit func(string, int)) error { emit("k", n); return nil }

func (j hardCombine) Combine(a, b int) int { hardJob{j.How}.suffer(); return a + b }

var (
	hardReduce   = NewJob[hardJob]("hard reduce")
	hardCombines = NewJob[hardCombine]("hard combine")
)

func TestJobOptionsReachReduce(t *testing.T) {
	p := newPool(t, Procs(1), Chunksize(1))
	for name, run := range map[string]func(how string, opts ...CallOption) (map[string]int, error){
		"Reduce": func(how string, opts ...CallOption) (map[string]int, error) {
			return hardReduce.Run(t.Context(), p, hardJob{how}, []int{1, 2}, opts...)
		},
		"Combine": func(how string, opts ...CallOption) (map[string]int, error) {
			return hardCombines.Run(t.Context(), p, hardCombine{hardMap{how}}, []int{1, 2}, opts...)
		},
	} {
		if got, err := run("", Timeout(time.Minute), Retries(0)); err != nil || got["k"] != 3 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		_, err := run("hang", Timeout(50*time.Millisecond))
		checkNoItem(t, name, err, ErrTimeout)

		before := p.Stats().Retried
		_, err = run("die", Retries(0))
		checkNoItem(t, name, err, nil)
		if lost, ok := errors.AsType[*WorkerLostError](err); !ok || lost.Signal != syscall.SIGKILL || lost.Attempts != 1 || lost.Index != -1 {
			t.Errorf("%s: %+v in %v; want one attempt that was killed", name, lost, err)
		}
		if n := p.Stats().Retried - before; n != 0 {
			t.Errorf("%s: tried %d times again", name, n)
		}

		_, err = run("fail")
		checkNoItem(t, name, err, errHard)
	}
	checkUsable(t, p)
}

func checkNoItem(t *testing.T, name string, err, want error) {
	t.Helper()
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Index != -1 || item.Input != nil || strings.Contains(err.Error(), "item 0") {
		t.Errorf("%s: %v; want a TaskError of no item", name, err)
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", name, err, want)
	}
}

// What a job divides among workers, it divides among as many as the pool has now.
func TestJobAfterResize(t *testing.T) {
	p := newPool(t, Procs(1), InProcess(), MemoryBudget(1<<20))
	check := func(procs int) {
		t.Helper()
		if n := p.supervisor.size(); n != procs {
			t.Errorf("size %d, want %d", n, procs)
		}
		checkResults(t, p, manyReduced, manyReduce{100}, numbers(20))
	}
	check(1)
	if err := p.Resize(6); err != nil {
		t.Fatal(err)
	}
	p.Stats() // comes after the resize
	check(6)
}
