package mapreduce

import (
	"context"
	"errors"
	"iter"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// soon fails the test if f does not return.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(hangLimit):
		t.Fatalf("%s hangs", what)
	}
}

// every calls each verb, and yields its error.
func every(ctx context.Context, p *Pool, task *Task[int, int]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		one := slices.Values(numbers(1))
		_, err := task.Map(ctx, p, numbers(1))
		yield("Map", err)
		_, err = task.Apply(ctx, p, 1)
		yield("Apply", err)
		_, err = task.ApplyAsync(ctx, p, 1).Get(context.Background())
		yield("ApplyAsync", err)
		_, err = task.MapAsync(ctx, p, numbers(1)).Get(context.Background())
		yield("MapAsync", err)
		_, _, err = collect(task.Imap(ctx, p, one))
		yield("Imap", err)
		for _, err = range task.ImapUnordered(ctx, p, one) {
		}
		yield("ImapUnordered", err)
		_, err = Fold(ctx, p, task, one, 0, func(a, b int) (int, error) { return a + b, nil })
		yield("Fold", err)
		called := make(chan error, 1)
		task.ApplyAsync(ctx, p, 1).OnDone(func(_ int, err error) { called <- err })
		yield("OnDone", <-called)
	}
}

// poolOfMain is a mistake: only the driver sets it.
var poolOfMain *Pool

func applyInPoolOfMain(ctx context.Context, n int) (int, error) {
	return echo.Apply(ctx, poolOfMain, n)
}

var usesPoolOfMain = FuncContext(applyInPoolOfMain)

// A pool in a package variable that is set at run time is nil in a worker, and the error says so in
// the words of the README.
func TestGlobalSetAtRunTime(t *testing.T) {
	t.Cleanup(func() { poolOfMain = nil })
	poolOfMain = newPool(t)
	_, err := usesPoolOfMain.Apply(t.Context(), poolOfMain, 1)
	readme, readErr := os.ReadFile("../README.md")
	if readErr != nil {
		t.Fatal(readErr)
	}
	told := regexp.MustCompile("(?s)a pool is an error: `(.*?)`").FindSubmatch(readme)
	if told == nil {
		t.Fatal("README does not say what happens")
	}
	want := strings.Join(strings.Fields(string(told[1])), " ")
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the task returns %v; README says %q", err, want)
	}
	if got, err := echo.Apply(t.Context(), poolOfMain, 7); got != 7 || err != nil {
		t.Errorf("in the driver: %d, %v", got, err)
	}
}

var noContext context.Context

// The use of a value that was not made is an error of the verb, and the pool works on.
func TestZeroValues(t *testing.T) {
	p := newPool(t)
	soon(t, "a verb", func() {
		for verb, err := range every(t.Context(), p, new(Task[int, int])) {
			if err != errNoTask {
				t.Errorf("%s of a zero task: %v", verb, err)
			}
		}
		for verb, err := range every(t.Context(), p, nil) {
			if err != errNoTask {
				t.Errorf("%s of a nil task: %v", verb, err)
			}
		}
		for _, none := range []*Pool{nil, new(Pool)} {
			for verb, err := range every(t.Context(), none, echo) {
				if err != errNoPool {
					t.Errorf("%s of a nil or zero pool: %v", verb, err)
				}
			}
			if err := none.Close(); err != errNoPool {
				t.Errorf("Close of a nil or zero pool: %v", err)
			}
			none.Terminate()
		}
		for verb, err := range every(noContext, p, echo) {
			if err != errNoContext {
				t.Errorf("%s with a nil context: %v", verb, err)
			}
		}
		for verb, err := range every(t.Context(), p, echo) {
			if err != nil {
				t.Errorf("%s: %v", verb, err)
			}
		}
	})
	if _, err := new(Task[int, int]).Start(t.Context(), 1); err != errNoTask {
		t.Errorf("Start of a zero task: %v", err)
	}
	if _, err := new(Job[counting, int, int, int]).Run(t.Context(), p, counting{}, nil); err != errNoTask {
		t.Errorf("Run of a zero job: %v", err)
	}
	if _, err := NewPool(t.Context(), new(State[int, int]).Initializer(1)); err != errNoTask {
		t.Errorf("NewPool with a zero state: %v", err)
	}
	if _, err := NewPool(noContext); err != errNoContext {
		t.Errorf("NewPool with a nil context: %v", err)
	}
	if _, err := echo.Start(noContext, 1); err != errNoContext {
		t.Errorf("Start with a nil context: %v", err)
	}
	var f Future[int]
	f.Cancel()
	if _, err := f.Get(t.Context()); err != errNoFuture || !f.Ready() || f.Err() != err || WaitAll(t.Context(), &f) == nil {
		t.Errorf("a zero future: %v", err)
	}
	checkUsable(t, p)
}

type counting struct{}

func (counting) Map(_ context.Context, n int, emit func(int, int)) error { emit(n, 1); return nil }

func TestNilFunctionIsRefused(t *testing.T) {
	for name, register := range map[string]func(){
		"Func":        func() { Func[int, int](nil) },
		"FuncContext": func() { FuncContext[int, int](nil) },
		"Func2":       func() { Func2[int, int, int](nil) },
		"NewState":    func() { NewState[int, int](nil, nil) },
	} {
		if text, _ := recovered(register).(string); !strings.Contains(text, "driver_misuse_test.go") || !strings.Contains(text, "nil") {
			t.Errorf("%s(nil): %q", name, text)
		}
	}
}

// A panic in the supervisor, wherever it comes from, fails each call with its stack; nothing hangs.
func TestSupervisorPanics(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	m := newMeeting(t)
	running, queued := meet.ApplyAsync(t.Context(), p, m.place()), echo.ApplyAsync(t.Context(), p, 1)
	m.await()
	soon(t, "a call", func() {
		p.supervisor.tell(event{kind: evCancel}) // the call is nil
		for _, f := range []*Future[int]{running, queued} {
			if _, err := f.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "supervise.go") || !strings.Contains(err.Error(), "nil pointer") {
				t.Errorf("the error has no stack: %v", err)
			}
		}
		for verb, err := range every(t.Context(), p, echo) {
			if err == nil {
				t.Errorf("%s: no error", verb)
			}
		}
		p.Stats()
		if err := p.Close(); err == nil || !strings.Contains(err.Error(), "broke down") {
			t.Errorf("Close: %v", err)
		}
	})
}

// An exiting value ends the goroutine that encodes or decodes it.
type exiting struct{ OnDecode bool }

func (e exiting) EncodeMsgpack(enc *msgpack.Encoder) error {
	if !e.OnDecode {
		runtime.Goexit()
	}
	return enc.EncodeBool(e.OnDecode)
}

var exitingOnDecode = false // set in workers, since a driver decodes results

func (e *exiting) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	if exitingOnDecode {
		runtime.Goexit()
	}
	e.OnDecode, err = dec.DecodeBool()
	return err
}

var echoExiting = Func(func(e exiting) exiting { return e })

func TestEncodingMethodCallsGoexit(t *testing.T) {
	p, err := NewPool(t.Context(), Procs(1))
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "a call", func() {
		f := make(chan *Future[exiting], 1)
		go func() { // this goroutine ends if it is the one that encodes
			f <- echoExiting.ApplyAsync(t.Context(), p, exiting{})
		}()
		_, _ = echo.Apply(t.Context(), p, 1)
		if err := p.Close(); !errors.Is(err, errGoexit) {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestDecodingMethodCallsGoexit(t *testing.T) {
	p := newPool(t)
	if _, err := echoExiting.Apply(t.Context(), p, exiting{true}); err != nil {
		t.Fatal(err)
	}
	exitingOnDecode = true
	defer func() { exitingOnDecode = false }()
	soon(t, "a call", func() {
		if _, err := echoExiting.Apply(t.Context(), p, exiting{true}, Retries(1)); !errors.Is(err, errGoexit) {
			t.Errorf("%v", err)
		}
		checkUsable(t, p)
	})
}
