//go:build linux

package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var sleepForEver = FuncContext(func(context.Context, int) (int, error) { time.Sleep(time.Hour); return 0, nil })

func init() {
	scenarios["panic under Close"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer pool.Close()
			sleepForEver.ApplyAsync(ctx, pool, 1)
			panic("the reason")
		})
	}
	scenarios["early return under Terminate"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			defer pool.Terminate()
			sleepForEver.ApplyAsync(ctx, pool, 1)
			if err := os.ErrNotExist; err != nil {
				return err
			}
			return pool.Close()
		})
	}
	scenarios["panic in Go under Terminate"] = func() {
		Main(func(ctx context.Context) error {
			pool, err := NewPool(ctx, Procs(1))
			if err != nil {
				return err
			}
			_, err = Go(ctx, func(ctx context.Context) (int, error) {
				defer pool.Terminate()
				sleepForEver.ApplyAsync(ctx, pool, 1)
				panic("the reason")
			}).Get(ctx)
			return err
		})
	}
}

// A panic or an early return takes effect at once, whatever the pool has to do.
func TestLeavingWithACallUnderWay(t *testing.T) {
	for name, want := range map[string]string{
		"panic under Close":            "panic: the reason",
		"early return under Terminate": "file does not exist",
		"panic in Go under Terminate":  "the reason",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), hangLimit)
		defer cancel()
		c := exec.CommandContext(ctx, os.Args[0])
		c.Env = append(os.Environ(), scenarioVariable+"="+name)
		out, err := c.CombinedOutput()
		if err == nil || ctx.Err() != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %v\n%s", name, err, ctx.Err(), out)
		}
	}
}

// A deferred Close still waits if nothing has failed, and the results are returned.
func TestDeferredCloseWaits(t *testing.T) {
	var f *Future[int]
	func() {
		p, err := NewPool(t.Context(), Procs(1))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		f = echo.ApplyAsync(t.Context(), p, 7)
	}()
	if n, err := f.Get(t.Context()); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Terminate may be called from wherever the pool calls the user's code.
func TestTerminateInside(t *testing.T) {
	old := terminatePatience
	defer func() { terminatePatience = old }()
	terminatePatience = 200 * time.Millisecond
	var now atomic.Pointer[Pool]
	inside := func() { now.Load().Terminate() }
	p := func(options ...PoolOption) *Pool {
		now.Store(nil)
		p, err := NewPool(t.Context(), append(options, Procs(1))...)
		if err != nil {
			t.Fatal(err)
		}
		now.Store(p)
		return p
	}
	quiet := slog.DiscardHandler
	for where, pool := range map[string]func() *Pool{
		"callback": func() *Pool {
			p := p()
			echo.ApplyAsync(t.Context(), p, 1).OnDone(func(int, error) { inside() })
			return p
		},
		"Progress": func() *Pool {
			return p(Progress(time.Millisecond, func(s Stats) {
				if s.Running > 0 {
					inside()
				}
			}))
		},
		"Output": func() *Pool { return p(Output(func(OutputLine) { inside() })) },
		"Logger": func() *Pool { return p(Logger(failingHandler{quiet, inside})) },
	} {
		soon(t, where, func() {
			p := pool()
			_, err := tellAndSleep.Apply(t.Context(), p, 1)
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s: the call under way: %v", where, err)
			}
			if err := p.Close(); err != nil {
				t.Errorf("%s: Close: %v", where, err)
			}
		})
	}
	soon(t, "loop", func() {
		p := p()
		var last error
		for _, err := range echo.Imap(t.Context(), p, new(endless).all) {
			last = err
			inside()
		}
		if !errors.Is(last, ErrClosed) {
			t.Errorf("loop: %v", last)
		}
		if err := p.Close(); err != nil {
			t.Errorf("loop: Close: %v", err)
		}
	})
}

// tellAndSleep prints, logs, and then sleeps.
var tellAndSleep = FuncContext(func(ctx context.Context, _ int) (int, error) {
	fmt.Println("here")
	slog.Info("here")
	<-ctx.Done()
	return 0, ctx.Err()
})

// A Close that waits for itself reports it.
func TestCloseInsideIsReported(t *testing.T) {
	old := closePatience
	defer func() { closePatience = old }()
	closePatience = 10 * time.Millisecond
	var text lockedBuffer
	log := slog.Default()
	defer slog.SetDefault(log)
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	reported := func() bool { return strings.Contains(text.String(), "Close waits") }
	for where, use := range map[string]func(p *Pool, end func()){
		"loop": func(p *Pool, end func()) {
			for range echo.Imap(t.Context(), p, slices.Values(numbers(3))) {
				end()
				return
			}
		},
		"callback": func(p *Pool, end func()) {
			done := make(chan bool)
			echo.ApplyAsync(t.Context(), p, 1).OnDone(func(int, error) { end(); close(done) })
			<-done
		},
	} {
		text.Reset()
		p, err := NewPool(t.Context(), Procs(1))
		if err != nil {
			t.Fatal(err)
		}
		var closing sync.WaitGroup
		use(p, func() { // as if Close were called here, which would never return
			closing.Go(func() { _ = p.Close() })
			eventually(t, hangLimit, func() error {
				if !reported() {
					return fmt.Errorf("%s: nothing is reported", where)
				}
				return nil
			})
		})
		closing.Wait()
	}
	text.Reset()
	closePatience = hangLimit
	p := newPool(t)
	checkUsable(t, p)
	if err := p.Close(); err != nil || text.String() != "" {
		t.Errorf("a Close that waits for nothing: %v, %s", err, text.String())
	}
}

// A lockedBuffer may be written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }
func (l *lockedBuffer) Reset()         { l.mu.Lock(); defer l.mu.Unlock(); l.b.Reset() }
