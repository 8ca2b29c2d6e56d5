//go:build linux

package mapreduce

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// stderrOf returns what this process writes to standard error while it runs f.
func stderrOf(t *testing.T, f func()) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stderr")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	old := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = old }()
	f()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var printAndLog = Func(func(n int) int {
	fmt.Println("line", n)
	slog.Info("record")
	return n
})

// A handlerFunc is a log handler that calls the function for each record.
type handlerFunc func()

func (handlerFunc) Enabled(context.Context, slog.Level) bool    { return true }
func (r handlerFunc) Handle(context.Context, slog.Record) error { r(); return nil }
func (r handlerFunc) WithAttrs([]slog.Attr) slog.Handler        { return r }
func (r handlerFunc) WithGroup(string) slog.Handler             { return r }

// A user's function can end neither the driver nor the goroutine that called it, and it is called
// again.
func TestCallbacksThatFail(t *testing.T) {
	checkLeaks(t)
	fail := map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit}
	for how, f := range fail {
		options := map[string]func(g func()) PoolOption{
			"the Output function":   func(g func()) PoolOption { return Output(func(OutputLine) { g() }) },
			"the log handler":       func(g func()) PoolOption { return Logger(handlerFunc(g)) },
			"the Progress function": func(g func()) PoolOption { return Progress(time.Millisecond, func(Stats) { g() }) },
		}
		for what, option := range options {
			t.Run(how+" of "+what, func(t *testing.T) {
				calls := make(chan bool, 1000)
				text := stderrOf(t, func() {
					p, err := NewPool(t.Context(), Procs(1), option(func() {
						select {
						case calls <- true:
						default:
						}
						f()
					}))
					if err != nil {
						t.Fatal(err)
					}
					defer p.Close()
					for n := range 3 {
						if got, err := printAndLog.Apply(t.Context(), p, n); err != nil || got != n {
							t.Errorf("%d, %v", got, err)
						}
						<-calls
					}
				})
				if report := "mapreduce: " + what + " panicked: on purpose\n"; strings.Contains(text, report) != (how == "panic") {
					t.Errorf("standard error:\n%s", text)
				}
			})
		}
	}
}

// An Output function may use another pool, and a slow one does not hold up the lines of others.
func TestOutputFunctionsAreApart(t *testing.T) {
	checkLeaks(t)
	ctx, cancel := context.WithTimeout(t.Context(), hangTime)
	defer cancel()
	lines := 0
	p, err := NewPool(ctx, Procs(1), Output(func(OutputLine) {
		lines++
		others := outputOf(t, 1, func(other *Pool) {
			if _, err := printAndLog.Apply(ctx, other, 1); err != nil {
				t.Error(err)
			}
		})
		if len(others) != 1 {
			t.Errorf("the other pool's lines: %v", others)
		}
	}), Logger(handlerFunc(func() {})))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := printAndLog.Apply(ctx, p, 1); err != nil || got != 1 {
		t.Errorf("%d, %v", got, err)
	}
	if err := p.Close(); err != nil || lines != 1 {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// One option is called for one line at a time, even if several pools and processes have it. (The
// race detector checks this.)
func TestOutputOptionOfSeveral(t *testing.T) {
	checkLeaks(t)
	const times = 50
	lines := 0
	option := Output(func(OutputLine) { lines++ })
	for range 2 {
		p, err := NewPool(t.Context(), Procs(2), option)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		speak.MapAsync(t.Context(), p, []speech{{Times: times}, {Times: times}}, Chunksize(1))
		one, err := speak.Start(t.Context(), speech{Times: times}, option)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Wait(); err != nil {
			t.Error(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if want := 2 * 3 * times; lines != want {
		t.Errorf("%d lines, want %d", lines, want)
	}
}

// The lines that a worker leaves behind are handled while the pool ends: an Output function may
// then ask for the pool's numbers.
func TestStatsInOutputOfPoolThatEnds(t *testing.T) {
	checkLeaks(t)
	var pool *Pool
	ready := make(chan struct{})
	got := make(chan Stats, 1)
	output := Output(func(OutputLine) {
		<-ready
		<-pool.supervisor.ctx.Done()
		got <- pool.Stats()
	})
	pool, err := NewPool(t.Context(), Procs(1), output)
	if err != nil {
		t.Fatal(err)
	}
	close(ready)
	if _, err := printAndLog.Apply(t.Context(), pool, 1); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- pool.Close() }()
	select {
	case s := <-got:
		if s.Done != 1 {
			t.Errorf("got %d items done, want 1", s.Done)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Stats does not return while the pool ends")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
