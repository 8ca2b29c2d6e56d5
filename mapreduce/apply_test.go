package mapreduce

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

var (
	repeat = Func2(strings.Repeat)

	// failAtZero fails at 0 at once, and otherwise waits for the end of its context.
	failAtZero = FuncContext(func(ctx context.Context, n int) (int, error) {
		if n > 0 {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}
		return 0, errors.New("it is zero")
	})
	exitNow = Func(func(status int) int { os.Exit(status); return 0 })
)

func TestApply(t *testing.T) {
	p := newPool(t)
	if got, err := echo.Apply(t.Context(), p, 7); got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := echoString.ApplyAsync(t.Context(), p, "seven").Get(t.Context()); got != "seven" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err := failAtThrees.Apply(t.Context(), p, 9)
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Index != 0 || item.Input != 9 || item.Msg != "9 is a multiple of three" {
		t.Errorf("%#v", err)
	}
	_, err = panicAtSeven.Apply(t.Context(), p, 7)
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Msg != "panic: no 7" || !strings.Contains(item.Stack, "map_test.go") {
		t.Errorf("%#v", err)
	}
	_, err = exitNow.Apply(t.Context(), p, 9, Retries(1))
	if lost, ok := errors.AsType[*WorkerLostError](err); !ok || lost.ExitCode != 9 || lost.Attempts != 2 {
		t.Errorf("%#v", err)
	}
	if _, err = makeTricky.Apply(t.Context(), p, "encode error"); err == nil || !strings.Contains(err.Error(), "does not want to leave") {
		t.Errorf("%v", err)
	}
	if _, err = takeTricky.Apply(t.Context(), p, tricky{"encode panic"}); err == nil || !strings.Contains(err.Error(), "really") {
		t.Errorf("%v", err)
	}
	if _, err := echo.Apply(t.Context(), p, 1, Chunksize(-1)); err == nil {
		t.Error("a bad option was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := echo.Apply(ctx, p, 1); err != context.Canceled {
		t.Errorf("%v", err)
	}
	checkUsable(t, p)
}

func TestMapAsync(t *testing.T) {
	p := newPool(t)
	var futures []*Future[[]int]
	for n := range 20 {
		futures = append(futures, echo.MapAsync(t.Context(), p, numbers(100*n), Chunksize(n)))
	}
	for n, f := range futures {
		if got, err := f.Get(t.Context()); err != nil || got == nil || !slices.Equal(got, numbers(100*n)) {
			t.Errorf("%d items: %d results, %v", 100*n, len(got), err)
		}
	}
	results, err := failAtThrees.MapAsync(t.Context(), p, []int{1, 3, 4, 6}).Get(t.Context())
	if failed, ok := errors.AsType[TaskErrors](err); !ok || len(failed) != 2 || failed[1].Index != 3 || !slices.Equal(results, []int{1, 0, 4, 0}) {
		t.Errorf("%v, %v", results, err)
	}
}

func TestFunc2(t *testing.T) {
	p := newPool(t)
	got, err := repeat.Map(t.Context(), p, Zip([]string{"a", "b", "c", "d"}, []int{1, 0, 3}))
	if err != nil || !slices.Equal(got, []string{"a", "", "ccc"}) {
		t.Errorf("%q, %v", got, err)
	}
	if repeat.Name() != "strings.Repeat" {
		t.Errorf("its name is %q", repeat.Name())
	}
	_, err = repeat.Apply(t.Context(), p, Pair[string, int]{"a", -1})
	if item, ok := errors.AsType[*TaskError](err); !ok || item.Input != (Pair[string, int]{"a", -1}) {
		t.Errorf("%v", err)
	}
	for _, pairs := range [][]Pair[int, string]{Zip([]int{1, 2}, []string(nil)), Zip([]int(nil), []string{""})} {
		if len(pairs) > 0 {
			t.Errorf("%v", pairs)
		}
	}
	if got := Zip([]int{1}, []string{"a", "b"}); !slices.Equal(got, []Pair[int, string]{{1, "a"}}) {
		t.Errorf("%v", got)
	}
}

func TestStopAtFirst(t *testing.T) {
	p := newPool(t)
	args := slices.Repeat([]int{1}, 1000)
	args[1] = 0
	results, err := failAtZero.Map(t.Context(), p, args, Chunksize(1), StopAtFirst())
	if item, ok := err.(*TaskError); !ok || item.Index != 1 || item.Input != 0 || results != nil {
		t.Errorf("Map: %v, %v", results, err)
	}
	_, err = failAtZero.MapAsync(t.Context(), p, args, Chunksize(1), StopAtFirst()).Get(t.Context())
	if item, ok := err.(*TaskError); !ok || item.Index != 1 {
		t.Errorf("MapAsync: %v", err)
	}
	_, err = failAtZero.Apply(t.Context(), p, 0, StopAtFirst())
	if _, ok := err.(*TaskError); !ok {
		t.Errorf("Apply: %v", err)
	}
	_, err = exitNow.Map(t.Context(), p, []int{3}, StopAtFirst(), Retries(0))
	if lost, ok := errors.AsType[*WorkerLostError](err); !ok || lost.ExitCode != 3 {
		t.Errorf("a worker that dies: %v", err)
	}
	if got, err := echo.Map(t.Context(), p, numbers(50), StopAtFirst()); err != nil || len(got) != 50 {
		t.Errorf("without failures: %v, %v", got, err)
	}
	checkUsable(t, p)
}
