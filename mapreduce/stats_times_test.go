//go:build linux

package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mrrun/mapreduce/internal/proc"
)

// A sleeper of some milliseconds; the item 1000 reports how far it is and waits until it is over.
var reporting = FuncContext(report)

func report(ctx context.Context, n int) (string, error) {
	if n != 1000 {
		time.Sleep(time.Duration(n) * time.Millisecond)
		return strings.Repeat("x", 10), nil
	}
	Report(ctx, 3, 8)
	<-ctx.Done()
	return "", context.Cause(ctx)
}

// The times of all workers add up to their lives, to their ends, and the slowest items have keys.
func TestTimes(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(2), Chunksize(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reporting.Map(t.Context(), p, []int{30, 1, 2, 40, 5}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	s := p.Stats()
	if len(s.Workers) != 2 {
		t.Fatalf("%+v", s)
	}
	var sum Times
	for _, w := range s.Workers {
		if w.Start <= 0 || w.Exit <= 0 || w.Encode < 0 || w.Total() > s.Elapsed+time.Second || w.Memory <= 0 || w.Task != "" {
			t.Errorf("%+v", w)
		}
		sum.add(w.Times)
	}
	if sum != s.Times || s.Times.Work < 70*time.Millisecond || s.Times.Encode > s.Times.Work {
		t.Errorf("%+v in all, want %+v", s.Times, sum)
	}
	if got := s.Slowest[0]; got.First != 3 || got.Key != "40" {
		t.Errorf("slowest %+v", got)
	}
}

// The time of a worker that was lost, or replaced, is not lost.
func TestTimesOfLostWorkers(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1), Chunksize(1), MaxTasksPerWorker(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reporting.Map(t.Context(), p, []int{10, 10, 10, 10, 10}); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Recycled != 2 || s.Times.Work < 50*time.Millisecond || s.Times.Exit <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestReport(t *testing.T) {
	Report(t.Context(), 1, 2) // outside of a task it does nothing
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newPool(t, Procs(1))
	f := reporting.ApplyAsync(ctx, p, 1000)
	eventually(t, 10*time.Second, func() error {
		w := p.Stats().Workers[0]
		if w.ItemDone != 3 || w.ItemTotal != 8 || w.Task != reporting.Name() || w.Item != 0 || w.For <= 0 {
			return fmt.Errorf("%+v", w)
		}
		return nil
	})
	if w := p.Stats().Workers[0]; w.Work <= 0 {
		t.Errorf("%+v: the item that runs is not counted as work", w.Times)
	}
	cancel()
	_, _ = f.Get(t.Context())
	if _, err := reporting.Apply(t.Context(), p, 1); err != nil {
		t.Fatal(err)
	}
	if w := p.Stats().Workers[0]; w.ItemDone != 0 || w.Task != "" {
		t.Errorf("%+v: the report of an item that is over", w)
	}
}

func TestAdvice(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name  string
		stats Stats
		want  string
	}{
		{"nothing", Stats{}, "No item was done."},
		{"fine", Stats{Done: 9, Times: Times{Start: s, Work: 9 * s}}, "Nothing to change: workers were at work 90 % of their time."},
		{"start", Stats{Done: 9, Times: Times{Start: 6 * s, Work: 4 * s}}, "Starting workers took 60 % of their time:"},
		{"init", Stats{Done: 9, Times: Times{Init: 6 * s, Work: 4 * s}}, "Initializers took 60 % of the workers' time:"},
		{"wait", Stats{Done: 9, Elapsed: 5 * s, Times: Times{Wait: 5 * s, Work: 5 * s}}, "Workers waited 50 % of their time for items:"},
		{"one", Stats{Done: 9, Elapsed: 5 * s, Times: Times{Wait: 4 * s, Work: 6 * s}, Slowest: []SlowItem{{First: 7, Last: 7, Key: "huge", Each: 4 * s}}},
			"Item 7 (huge) took 4s of 5s, and other workers waited for it:"},
		{"encode", Stats{Done: 9, Times: Times{Encode: 3 * s, Work: 7 * s}}, "Encoding arguments and results took 30 %"},
		{"exit", Stats{Done: 9, Times: Times{Exit: 3 * s, Work: 7 * s}}, "Ending took 30 % of the workers' time:"},
	} {
		if got := tt.stats.Advice(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// deafTask does not mind its context; obedientTask does.
var deafTask, obedientTask = Func(stayStuck), FuncContext(returnInTime)

func stayStuck(int) int {
	for {
		time.Sleep(time.Millisecond)
	}
}

func returnInTime(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// The error of an item that exceeded its timeout says what the worker's goroutines were doing,
// whether the worker was killed or the task returned.
func TestTimeoutTellsStacks(t *testing.T) {
	p := newPool(t, Procs(1), Timeout(50*time.Millisecond))
	for name, task := range map[string]*Task[int, int]{"mapreduce.stayStuck(": deafTask, "mapreduce.returnInTime(": obedientTask} {
		_, err := task.Apply(t.Context(), p, 1)
		failed, ok := errors.AsType[*TaskError](err)
		if !ok || !errors.Is(err, ErrTimeout) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(failed.Stack, name) || strings.Count(failed.Stack, "\ngoroutine ") == 0 {
			t.Errorf("%s is not in the stacks\n%s", name, failed.Stack)
		}
		text := err.Error()
		if !strings.Contains(text, name) || !strings.Contains(text, "stats_times_test.go:") || strings.Contains(text, "(*worker)") || strings.Count(text, "goroutine ") != 1 {
			t.Errorf("the error shows\n%s", text)
		}
	}
}

// outOfCgroup is killed as the kernel kills a process when its cgroup has no memory left: a count
// in the file rises.
var outOfCgroup = Func(dieForMemory)

func dieForMemory(file string) int {
	_ = os.WriteFile(file, []byte("oom_kill 1\n"), 0o600)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func TestKernelOOM(t *testing.T) {
	file := filepath.Join(t.TempDir(), "memory.events")
	if err := os.WriteFile(file, []byte("oom_kill 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proc.SetOOMFile(file))
	p := newPool(t, Procs(1), Retries(0))
	_, err := outOfCgroup.Apply(t.Context(), p, file)
	if lost, ok := errors.AsType[*WorkerLostError](err); !ok || !lost.KernelOOM || lost.OOM || !strings.Contains(err.Error(), "the kernel killed it because there was no memory left") {
		t.Errorf("%v: %+v", err, lost)
	}
	if _, err = ofFates.Apply(t.Context(), p, 7); err == nil {
		t.Fatal("no error")
	}
	if lost, ok := errors.AsType[*WorkerLostError](err); !ok || lost.KernelOOM {
		t.Errorf("a death by SIGKILL counts as the kernel's: %v", err)
	}
}
