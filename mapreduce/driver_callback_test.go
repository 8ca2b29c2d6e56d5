package mapreduce

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"
)

// These are what a user's function may do instead of returning.
var bad = map[string]func(){
	"panic":  func() { panic(errBad) },
	"Goexit": runtime.Goexit,
}

var errBad = errors.New("a function that fails")

func TestGoFails(t *testing.T) {
	for name, fail := range bad {
		f := Go(t.Context(), func(context.Context) (int, error) { fail(); return 1, nil })
		select {
		case <-f.Done():
		case <-time.After(hangLimit):
			t.Fatalf("%s: the future never gets ready", name)
		}
		n, err := f.Get(t.Context())
		item, ok := errors.AsType[*TaskError](err)
		if n != 0 || err == nil || name == "panic" != (ok && errors.Is(err, errBad) && strings.Contains(item.Stack, "TestGoFails")) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// hangLimit is longer than anything here takes unless it hangs.
const hangLimit = 20 * time.Second

func TestCallbacksThatDoNotReturn(t *testing.T) {
	for name, fail := range bad {
		reported := captureLog(t)
		p := newPool(t)
		for _, f := range []*Future[int]{echo.ApplyAsync(t.Context(), p, 7), Go(t.Context(), func(context.Context) (int, error) { return 7, nil })} {
			next := make(chan int, 1)
			f.OnDone(func(int, error) { fail() })
			f.OnDone(func(n int, _ error) { next <- n })
			select {
			case n := <-next:
				if n != 7 {
					t.Errorf("%s: the next callback got %d", name, n)
				}
			case <-time.After(hangLimit):
				t.Fatalf("%s: the next callback was not called", name)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
		if got := reported.String(); !strings.Contains(got, "a callback of a future") {
			t.Errorf("%s was not reported: %s", name, got)
		}
	}
}

func TestProgressThatDoesNotReturn(t *testing.T) {
	for name, fail := range bad {
		calls := make(chan bool, 1000)
		p := newPool(t, Progress(time.Millisecond, func(Stats) { calls <- true; fail() }))
		for range 3 {
			<-calls
		}
		checkUsable(t, p)
		if err := p.Close(); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
	if _, err := NewPool(t.Context(), Progress(time.Second, nil)); err == nil {
		t.Error("Progress took a nil function")
	}
}

// A handler that ends its goroutine does not end the goroutine that reads the worker's answers.
func TestLoggerThatDoesNotReturn(t *testing.T) {
	for _, fail := range bad {
		p := newPool(t, Logger(failingHandler{slog.DiscardHandler, fail}))
		if _, err := logOnce.Map(t.Context(), p, numbers(20), Chunksize(1)); err != nil {
			t.Error(err)
		}
		checkUsable(t, p)
	}
}

type failingHandler struct {
	slog.Handler
	fail func()
}

func (h failingHandler) Enabled(context.Context, slog.Level) bool { h.fail(); return true }

var logOnce = Func(func(n int) int { slog.Info("one"); return n })

// An exit function that ends its goroutine must not leave behind an idle worker, which would have
// to be killed.
func TestExitFunctionCallsGoexit(t *testing.T) {
	lines := make(chan string, 100)
	p := newPool(t, Procs(1), exitsByGoexit.Initializer(0), Output(func(l OutputLine) { lines <- l.Text }))
	checkUsable(t, p)
	start := time.Now()
	_ = p.Close()
	if took := time.Since(start); took > time.Second {
		t.Errorf("Close took %v", took)
	}
	close(lines)
	for line := range lines {
		if strings.Contains(line, "runtime.Goexit") {
			return
		}
	}
	t.Error("nobody heard of it")
}

var exitsByGoexit = NewState(func(context.Context, int) (int, error) { return 0, nil }, func(int) error { runtime.Goexit(); return nil })
