package manager

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"mrrun/mapreduce"
	"mrrun/transport"
)

var (
	errOdd = errors.New("odd")
	_      = func() int { mapreduce.RegisterError(errOdd); return 0 }()

	halve = mapreduce.FuncContext(func(_ context.Context, n int) (int, error) {
		switch {
		case n < 0:
			panic("negative")
		case n%2 == 1:
			return 0, fmt.Errorf("%d is %w", n, errOdd)
		}
		return n / 2, nil
	})
	remoteHalve    = PoolTask("halve", halve)
	halveUntilFail = PoolTask("halve until one fails", halve, mapreduce.StopAtFirst())

	// die kills its worker in the given number of attempts, and then returns the process that it
	// ends in.
	die = mapreduce.FuncContext(func(ctx context.Context, attempts int) (int, error) {
		if mapreduce.CurrentWorker(ctx).Attempt <= attempts {
			return 0, syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return os.Getpid(), nil
	})
	remoteDie = PoolTask("die", die)

	// wait reports that it runs, and in which process, and later that its context has ended.
	wait = mapreduce.FuncContext(func(ctx context.Context, w waiting) (int, error) {
		if err := w.Runs.Put(ctx, os.Getpid()); err != nil {
			return 0, err
		}
		<-ctx.Done()
		return 0, errors.Join(ctx.Err(), w.Ended.Set(context.Background()))
	})
	remoteWait = PoolTask("wait", wait)

	unregistered = &RemoteTask[int, int]{
		name: "nothing", signature: remoteHalve.signature, args: remoteHalve.args, results: remoteHalve.results,
	}
	otherTypes = &RemoteTask[string, string]{
		name: "halve", signature: "task[string,string]", args: must1(coderOf[string]()), results: must1(coderOf[string]()),
	}
)

type waiting struct {
	Runs  *Queue[int]
	Ended *Event
}

func newWaiting(ctx context.Context, c Conn) waiting {
	return waiting{must1(NewQueue[int](ctx, c, 100)), must1(NewEvent(ctx, c))}
}

// testPool tests what works over any transport.
func testPool(t *testing.T, a, b *Client) {
	ctx := within(t)
	p := must1(NewPool(ctx, a, 2, Named("pool "+t.Name())))
	other := must1(NewPool(ctx, b, 0, Named("pool "+t.Name())))
	equal(t, "apply", must1(remoteHalve.Apply(ctx, p, 8)), 4)
	equal(t, "apply async", must1(remoteHalve.ApplyAsync(ctx, other, 6).Get(ctx)), 3)
	equal(t, "map", slices.Equal(must1(remoteHalve.Map(ctx, other, []int{2, 4, 0})), []int{1, 2, 0}), true)
	equal(t, "map async", len(must1(remoteHalve.MapAsync(ctx, p, make([]int, 1000)).Get(ctx))), 1000)
	equal(t, "map of none", len(must1(remoteHalve.Map(ctx, p, nil))), 0)
	testPoolFailures(t, p)
	testPoolImap(t, p)

	_, err := unregistered.Apply(ctx, p, 1)
	wants(t, "no such task", err, ErrNoMethod)
	_, err = otherTypes.Apply(ctx, p, "8")
	wants(t, "task of other types", err, ErrType)
	_, err = NewPool(ctx, a, mapreduce.MaxProcs+1)
	equal(t, "too many workers", err != nil, true)

	check(t, p.Close())
	equal(t, "after another's Close", must1(remoteHalve.Apply(ctx, other, 8)), 4)
	check(t, other.ClosePool(ctx))
	_, err = remoteHalve.Apply(ctx, other, 8)
	wants(t, "after ClosePool", err, mapreduce.ErrClosed)
	_, err = NewPool(ctx, a, 2, Named("pool "+t.Name()))
	wants(t, "after ClosePool", err, mapreduce.ErrClosed)
}

func testPoolFailures(t *testing.T, p *Pool) {
	ctx := within(t)
	got, err := remoteHalve.Map(ctx, p, []int{2, 3, 4, -1, 6})
	equal(t, "results", fmt.Sprint(got), "[1 0 2 0 3]")
	failed, _ := errors.AsType[mapreduce.TaskErrors](err)
	if len(failed) != 2 {
		t.Fatal(err)
	}
	equal(t, "error", failed[0].Error(), "item 1 (3): 3 is odd")
	wants(t, "error", failed[0], errOdd)
	equal(t, "panic", failed[1].Index == 3 && failed[1].Input == -1 && failed[1].Msg == "panic: negative", true)
	equal(t, "its stack", strings.Contains(failed[1].Stack, "pool_test.go"), true)

	_, err = remoteHalve.Apply(ctx, p, 5)
	one, ok := err.(*mapreduce.TaskError)
	equal(t, "apply", ok && one.Index == 0 && one.Input == 5, true)
	got, err = halveUntilFail.Map(ctx, p, []int{2, 3, 4})
	one, ok = err.(*mapreduce.TaskError)
	equal(t, "stop at first", got == nil && ok && one.Index == 1, true)
}

func testPoolImap(t *testing.T, p *Pool) {
	ctx := within(t)
	i := 0
	for got, err := range remoteHalve.Imap(ctx, p, numbersFrom(0)) { // infinite
		if i%2 == 0 {
			check(t, err)
			equal(t, "imap", got, i/2)
		} else if failed, ok := err.(*mapreduce.TaskError); !ok || failed.Index != i || failed.Input != i {
			t.Errorf("item %d: %v", i, err)
		}
		if i++; i == 3000 {
			break
		}
	}
	equal(t, "imap", i, 3000)
	for range remoteHalve.Imap(ctx, p, slices.Values([]int{})) {
		t.Error("imap of nothing yields")
	}
	i = 0
	func() {
		defer func() { equal(t, "panic", recover(), any("at the source")) }()
		for range remoteHalve.Imap(ctx, p, func(yield func(int) bool) { yield(2); panic("at the source") }) {
			i++
		}
	}()
	equal(t, "results before the panic", i, 1)

	enough := errors.New("enough")
	ended, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	i = 0
	for _, err := range remoteHalve.Imap(ended, p, numbersFrom(0)) {
		if i++; i == 10 {
			cancel(enough)
		} else if i > 10 && !errors.Is(err, errOdd) && err != nil {
			wants(t, "after cancel", err, enough)
			enough = nil
		}
	}
	equal(t, "the cause was yielded", enough, nil)
}

func numbersFrom(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; yield(n); n++ {
		}
	}
}

// Any answer of a broken manager is an error.
func TestPoolBrokenAnswers(t *testing.T) {
	failed := func(index int) *mapreduce.TaskError { return &mapreduce.TaskError{Index: index} }
	for what, tt := range map[string]struct {
		n       uint64
		failed  mapreduce.TaskErrors
		results []int
	}{
		"too few":          {1, nil, []int{1}},
		"too many":         {3, nil, []int{1, 2, 3}},
		"none":             {0, nil, nil},
		"missing":          {2, nil, []int{1}},
		"failed elsewhere": {2, mapreduce.TaskErrors{failed(2)}, []int{1}},
		"failed before":    {2, mapreduce.TaskErrors{failed(-1)}, []int{1}},
		"failed twice":     {2, mapreduce.TaskErrors{failed(1), failed(1)}, nil},
		"no failure":       {2, mapreduce.TaskErrors{nil}, []int{1}},
	} {
		e := transport.NewEncoder(nil)
		e.Uint(tt.n)
		check(t, remoteHalve.failures.Encode(e, &tt.failed))
		for _, r := range tt.results {
			check(t, remoteHalve.results.Encode(e, &r))
		}
		if _, _, err := remoteHalve.answer(transport.NewDecoder(e.Bytes()), []int{2, 4}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// A worker that is killed is replaced and its item tried again; an item that kills every worker is
// an error.
func TestPoolWorkerKilled(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	p := must1(NewPool(ctx, m, 2))
	pids := must1(remoteDie.Map(ctx, p, []int{0, 1, 2, 0}))
	equal(t, "process", slices.Contains(pids, 0) || slices.Contains(pids, m.PID()) || slices.Contains(pids, os.Getpid()), false)
	_, err := remoteDie.Map(ctx, p, []int{0, 9})
	lost, ok := errors.AsType[*mapreduce.WorkerLostError](err)
	if !ok || lost.Signal != syscall.SIGKILL || lost.Index != 1 || lost.Attempts != 1+mapreduce.DefaultRetries {
		t.Errorf("got %v", err)
	}
	equal(t, "after it", must1(remoteHalve.Apply(ctx, p, 8)), 4)
}

// The end of ctx ends the context of the task in the worker.
func TestPoolCancel(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	p := must1(NewPool(ctx, m, 1))
	because := errors.New("because")
	w := newWaiting(ctx, m)
	short, cancel := context.WithCancelCause(ctx)
	f := remoteWait.ApplyAsync(short, p, w)
	must1(w.Runs.Get(ctx))
	cancel(because)
	_, err := f.Get(ctx)
	wants(t, "context", err, because)
	check(t, w.Ended.Wait(ctx))

	w = newWaiting(ctx, m)
	f = remoteWait.ApplyAsync(ctx, p, w)
	must1(w.Runs.Get(ctx))
	f.Cancel()
	_, err = f.Get(ctx)
	wants(t, "future", err, mapreduce.ErrCanceled)
	check(t, w.Ended.Wait(ctx))
}

const serveVariable = "MANAGER_TEST_SERVE"

// serveUninitialized serves until its standard input ends, in a process that is not a driver.
func serveUninitialized() {
	l := must1(ListenLocal())
	ctx, cancel := context.WithCancel(context.Background())
	fmt.Println(Address(l))
	go func() {
		_, _ = fmt.Scanln()
		cancel()
	}()
	if err := Serve(ctx, l); err != nil {
		panic(err)
	}
}

func TestPoolNotInitialized(t *testing.T) {
	ctx := within(t)
	cmd := exec.CommandContext(ctx, must1(os.Executable()))
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	cmd.Stderr = os.Stderr
	in, out := must1(cmd.StdinPipe()), must1(cmd.StdoutPipe())
	check(t, cmd.Start())
	var address string
	must1(fmt.Fscanln(out, &address))
	c := must1(Dial(ctx, address))
	_, err := NewPool(ctx, c, 1)
	wants(t, "new pool", err, mapreduce.ErrNotInitialized)
	check(t, c.Close())
	check(t, in.Close())
	check(t, cmd.Wait())
}

// A manager is a worker, and the workers of its pools are one level deeper.
func TestPoolTooDeep(t *testing.T) {
	t.Setenv("MRRUN_DEPTH", "3")
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	if _, err := NewPool(ctx, m, 1); err == nil || !strings.Contains(err.Error(), "4 deep") {
		t.Errorf("got %v", err)
	}
}
