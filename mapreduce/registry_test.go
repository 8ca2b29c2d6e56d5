package mapreduce

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

var ran, neverRan *Task[int, []bool]

func init() {
	ran, neverRan = Func(codecsMade), Func(codecsMade)
}

// codecsMade reports of both tasks whether this process has made their codecs.
func codecsMade(int) []bool { return []bool{ran.arg != nil, neverRan.arg != nil} }

// A driver checks the types of all tasks when they are registered. A worker need not, and starts
// sooner: it makes the codecs of the tasks that it runs.
func TestWorkerPreparesWhatItRuns(t *testing.T) {
	if made := codecsMade(0); !made[0] || !made[1] {
		t.Errorf("codecs in the driver: %v", made)
	}
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if made, err := ran.Apply(t.Context(), p, 0); err != nil || !made[0] || made[1] {
		t.Errorf("codecs in the worker: %v, %v", made, err)
	}
}

type idleJob struct{}

func (idleJob) Map(context.Context, int, func(string, int)) error { return nil }

type secretJob struct{ secret int }

func (secretJob) Map(context.Context, int, func(string, int)) error { return nil }
func (j secretJob) Combine(a, b int) int                            { return j.secret }

type funcJob struct{}

func (funcJob) Map(context.Context, func(), func(string, int)) error { return nil }
func (funcJob) Combine(a, b int) int                                 { return a }

func TestRegistrationRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		register func()
		want     []string
	}{
		"nothing to do after Map": {func() { NewJob[idleJob]("idle") },
			[]string{"job idle", "idleJob", "Combine(a, b int) int", "Reduce(key string, values iter.Seq[int]) int"}},
		"hidden parameter": {func() { NewJob[secretJob]("secret") }, []string{"job secret", "secretJob.secret"}},
		"input of a job":   {func() { NewJob[funcJob]("func") }, []string{"job func", "its input", "function"}},
		"argument":         {func() { Func(func(chan int) int { return 0 }) }, []string{"its argument", "channel"}},
		"result":           {func() { Func(func(int) error { return nil }) }, []string{"its result", "interface"}},
		"result, FuncContext": {func() { FuncContext(func(context.Context, int) (any, error) { return nil, nil }) },
			[]string{"its result", "interface"}},
		"too late":     {func() { Func(func(int) int { return 0 }) }, []string{"after Main or Init"}},
		"job too late": {func() { NewJob[wordJob]("late") }, []string{"job late", "after Main or Init"}},
	} {
		got := fmt.Sprint(recovered(test.register))
		for _, want := range append(test.want, "registry_test.go:") {
			if !strings.Contains(got, want) {
				t.Errorf("%s: panic %q does not say %q", name, got, want)
			}
		}
	}
}

func TestNames(t *testing.T) {
	if got := countWords.Name(); got != "words" {
		t.Errorf("job is called %q", got)
	}
	first, second := twins[0].Name(), twins[1].Name()
	if !strings.HasSuffix(first, ".double") || second != first+"#2" {
		t.Errorf("two tasks of one function are called %q and %q", first, second)
	}
}

// A task may have a name of its own, which its errors also use.
func TestTaskName(t *testing.T) {
	for i, want := range []string{"twice", "twice#2", "sum of two"} {
		if got := namedTasks[i].Name(); got != want {
			t.Errorf("task %d is called %q, want %q", i, got, want)
		}
	}
	got := fmt.Sprint(recovered(func() { Func(func(chan int) int { return 0 }, TaskName("drain")) }))
	if !strings.Contains(got, "task drain, registered at registry_test.go:") {
		t.Errorf("panic %q", got)
	}
}

var namedTasks = []interface{ Name() string }{
	Func(func(n int) int { return 2 * n }, TaskName("twice")),
	FuncContext(func(_ context.Context, n int) (int, error) { return 2 * n, nil }, TaskName("twice")),
	Func2(func(a, b int) int { return a + b }, TaskName("sum of two")),
}

func double(n int) int { return 2 * n }

var twins = [2]*Task[int, int]{Func(double), Func(double)}
