package mapreduce

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var goexit = Func(func(n int) int {
	if n == 1 {
		runtime.Goexit()
	}
	return n
})

var catLines = Command("cat")

// inProcess returns a pool of goroutines, and fails the test if it leaves any behind.
func inProcess(t *testing.T, options ...PoolOption) *Pool {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	return newPool(t, append(options, InProcess())...)
}

// An outcome describes what verbs yield.
type outcome struct {
	Results any
	Error   string
}

func outcomeOf(results any, err error) outcome {
	o := outcome{Results: results}
	if err != nil {
		o.Error, _, _ = strings.Cut(err.Error(), "\ngoroutine ") // without a stack
	}
	return o
}

func everyVerb(ctx context.Context, p *Pool) map[string]outcome {
	all := make(map[string]outcome)
	add := func(name string, results any, err error) { all[name] = outcomeOf(results, err) }
	stream := func(name string, s iter.Seq2[int, error]) {
		var results []int
		var errs []error
		for n, err := range s {
			results, errs = append(results, n), append(errs, err)
		}
		add(name, results, errors.Join(errs...))
	}
	n := numbers(40)
	mapped, err := failAtThrees.Map(ctx, p, n, Chunksize(7))
	add("Map", mapped, err)
	panicked, err := panicAtSeven.Map(ctx, p, n)
	add("a panic", panicked, err)
	async, err := echo.MapAsync(ctx, p, n).Get(ctx)
	add("MapAsync", async, err)
	one, err := failAtThrees.Apply(ctx, p, 3)
	add("Apply", one, err)
	one, err = echo.ApplyAsync(ctx, p, 3).Get(ctx)
	add("ApplyAsync", one, err)
	stream("Imap", failAtThrees.Imap(ctx, p, slices.Values(n)))
	stream("ImapSeq2", echo.ImapSeq2(ctx, p, func(yield func(int, error) bool) { _ = yield(1, nil) && yield(0, errInput) }))
	unordered := make(map[int]int)
	for item, err := range echo.ImapUnordered(ctx, p, slices.Values(n)) {
		if err != nil {
			unordered[-1]++
		}
		unordered[item.Index] = item.Value
	}
	add("ImapUnordered", unordered, nil)
	sum, err := Fold(ctx, p, echo, slices.Values(n), 0, func(sum, n int) (int, error) { return sum + n, nil })
	add("Fold", sum, err)
	pairs, err := repeat.Map(ctx, p, Zip([]string{"a", "b"}, []int{2, 3}))
	add("Func2", pairs, err)
	counts, err := countWords.Run(ctx, p, wordJob{}, []string{"a b", "b c"})
	add("Job", counts, err)
	random, err := randoms.Map(ctx, p, n, Seed(3))
	add("Rand", random, err)
	lines, err := catLines.Map(ctx, p, []string{"a", "b\n"})
	add("Command", lines, err)
	_, err = makeTricky.Apply(ctx, p, "encode error")
	add("no result", 0, err)
	_, err = awaitDeadline.Apply(ctx, p, 1, Timeout(10*time.Millisecond))
	add("Timeout", errors.Is(err, ErrTimeout), nil)
	return all
}

func TestInProcessIsTheSame(t *testing.T) {
	p := newPool(t)
	want := everyVerb(t.Context(), p)
	// Otherwise a late worker of this pool could be taken for a goroutine of the other.
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got := everyVerb(t.Context(), inProcess(t))
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s:\n%+v, in processes:\n%+v", name, got[name], want[name])
		}
	}
}

func TestInProcessCopies(t *testing.T) {
	p := inProcess(t)
	arg := []float64{1, 2}
	got, err := echoSlice.Apply(t.Context(), p, arg)
	if err != nil || &got[0] == &arg[0] {
		t.Errorf("%v: the result is the argument", err)
	}
}

func TestInProcessUnsupported(t *testing.T) {
	for _, option := range []PoolOption{
		MemoryLimit(1 << 30), MaxGrowth(1 << 20), Nice(1), Pin(), Env("A=1"), Dir("/"), Program("/bin/true"),
	} {
		if p, err := NewPool(t.Context(), InProcess(), option); !errors.Is(err, errors.ErrUnsupported) || p != nil {
			t.Errorf("%v, %v", p, err)
		}
	}
}

// ownPool is used by a task that runs on it.
var ownPool *Pool

var useOwnPool, useOtherPool *Task[int, int]

func init() { // not in their declarations: they use each other
	useOwnPool = FuncContext(func(ctx context.Context, n int) (int, error) {
		switch n {
		case 0:
			return echo.Apply(ctx, ownPool, 1)
		case 1:
			return echo.ApplyAsync(ctx, ownPool, 1).Get(ctx)
		case 2:
			for got, err := range echo.Imap(ctx, ownPool, slices.Values([]int{1})) {
				return got, err
			}
		}
		_, err := echo.Map(ctx, ownPool, numbers(3))
		return 0, err
	})
	useOtherPool = FuncContext(func(ctx context.Context, n int) (int, error) {
		p, err := NewPool(ctx, Procs(1), InProcess())
		if err != nil {
			return 0, err
		}
		defer p.Close()
		return echo.Apply(ctx, p, n)
	})
}

func TestInProcessOwnPool(t *testing.T) {
	p := inProcess(t)
	ownPool = p
	_, err := useOwnPool.Map(t.Context(), p, numbers(4), Chunksize(1))
	failed, ok := errors.AsType[TaskErrors](err)
	if !ok || len(failed) != 4 {
		t.Fatalf("%v", err)
	}
	for _, e := range failed {
		if !strings.Contains(e.Msg, "its own pool") {
			t.Error(e)
		}
	}
	if got, err := useOtherPool.Map(t.Context(), p, numbers(4)); err != nil || !slices.Equal(got, numbers(4)) {
		t.Errorf("another pool: %v, %v", got, err)
	}
}

func TestInProcessGoexit(t *testing.T) {
	p := inProcess(t)
	got, err := goexit.Map(t.Context(), p, numbers(10), Retries(1))
	lost, ok := errors.AsType[*WorkerLostError](err)
	if !ok || lost.Index != 1 || lost.Attempts != 2 || got[2] != 2 {
		t.Errorf("%v, %v", got, err)
	}
	checkUsable(t, p)
}

// A task that does not return at its timeout is left behind, and its worker replaced.
func TestInProcessStubborn(t *testing.T) {
	p := inProcess(t)
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, place{m.place().Addr, true}, Timeout(20*time.Millisecond))
	task := m.await()
	if _, err := f.Get(t.Context()); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
	checkUsable(t, p)
	task.letGo()
}

func TestInProcessTerminate(t *testing.T) {
	p := inProcess(t)
	m := newMeeting(t)
	f := meet.ApplyAsync(t.Context(), p, m.place())
	m.await()
	p.Terminate()
	if _, err := f.Get(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}
