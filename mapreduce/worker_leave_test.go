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
)

// A lastDeed is what a worker does last: it takes its time, and writes a file.
type lastDeed struct {
	Takes time.Duration
	Dir   string
}

func (d lastDeed) do() error {
	time.Sleep(d.Takes)
	return os.WriteFile(filepath.Join(d.Dir, fmt.Sprint(os.Getpid())), nil, 0o600)
}

// done returns how many lastDeeds have reached their end.
func (d lastDeed) done() int { return len(entries(d.Dir)) }

var (
	lastDeedState *State[lastDeed, lastDeed]
	lastDeedTask  *Task[lastDeed, int]
	startLastDeed *Task[lastDeed, int]

	// lastDeedProgram writes the file that a line named when its input has ended.
	lastDeedProgram = Command("sh", "-c", `while read -r l; do f=$l; echo "$l"; done; sleep 0.5; : >"$f"`)
	endlessProgram  = Command("sh", "-c", `while read -r l; do echo "$l"; done; exec sleep 1000`)
)

func init() {
	lastDeedState = NewState(beginLastDeed, lastDeed.do)
	lastDeedTask = FuncContext(doLastDeed)
	startLastDeed = FuncContext(leaveHeir)
}

func beginLastDeed(_ context.Context, d lastDeed) (lastDeed, error) { return d, nil }

func doLastDeed(_ context.Context, d lastDeed) (int, error) { return os.Getpid(), d.do() }

func leaveHeir(_ context.Context, d lastDeed) (int, error) {
	p, err := lastDeedTask.Start(context.Background(), d, Name("the heir"))
	if err != nil {
		return 0, err
	}
	return p.PID(), nil
}

// longDeed takes longer than any time limit that is not an option.
func longDeed(t *testing.T) lastDeed { return lastDeed{2500 * time.Millisecond, t.TempDir()} }

// A worker finishes what it does last, whatever ends the worker.
func TestLeaveFinishes(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		options []PoolOption
		workers int // that have ended at the end, at least
		end     func(t *testing.T, p *Pool, d lastDeed)
	}{
		"Close": {nil, 2, func(*testing.T, *Pool, lastDeed) {}},
		"Spares": {[]PoolOption{Spares(1)}, 3, func(t *testing.T, p *Pool, _ lastDeed) {
			eventually(t, hangTime, func() error {
				p.supervisor.working.Lock()
				defer p.supervisor.working.Unlock()
				if len(p.supervisor.spares) == 0 || !p.supervisor.spares[0].ready {
					return errors.New("no spare is ready")
				}
				return nil
			})
		}},
		"MaxTasksPerWorker": {[]PoolOption{Procs(1), MaxTasksPerWorker(1)}, 1, func(t *testing.T, p *Pool, _ lastDeed) {
			if _, err := echo.Apply(t.Context(), p, 1); err != nil {
				t.Error(err)
			}
		}},
		"Resize": {nil, 2, func(t *testing.T, p *Pool, _ lastDeed) {
			if err := p.Resize(1); err != nil {
				t.Error(err)
			}
		}},
		"IdleTimeout": {[]PoolOption{IdleTimeout(time.Millisecond)}, 2, func(t *testing.T, p *Pool, d lastDeed) {
			if _, err := echo.Map(t.Context(), p, numbers(10)); err != nil {
				t.Error(err)
			}
			eventually(t, hangTime, func() error {
				if len(p.Workers()) > 0 {
					return errors.New("workers are there")
				}
				return nil
			})
		}},
		"suspended": {nil, 2, func(t *testing.T, p *Pool, _ lastDeed) {
			for _, w := range p.Workers() {
				suspend(t, w.PID)
			}
		}},
		"a call was cancelled": {nil, 2, func(t *testing.T, p *Pool, _ lastDeed) {
			m := newMeeting(t)
			ctx, cancel := context.WithCancel(t.Context())
			f := printAndMeet.ApplyAsync(ctx, p, m.place())
			m.await()
			cancel()
			if _, err := f.Get(t.Context()); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}},
	}
	for name, test := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := longDeed(t)
			p, err := NewPool(t.Context(), append([]PoolOption{Procs(2), lastDeedState.Initializer(d), silent()}, test.options...)...)
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, hangTime, func() error {
				if p.Stats().Workers == nil || len(p.Stats().Workers) < len(p.Workers()) {
					return errors.New("workers are not ready")
				}
				return nil
			})
			test.end(t, p, d)
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if d.done() < test.workers {
				t.Errorf("%d workers came to their end, want %d", d.done(), test.workers)
			}
		})
	}
}

// A worker also waits for the processes and programs that its tasks started, and so does a process.
func TestLeaveFinishesOthers(t *testing.T) {
	t.Parallel()
	t.Run("process", func(t *testing.T) {
		t.Parallel()
		d := longDeed(t)
		p := newPool(t, Procs(1))
		if _, err := startLastDeed.Apply(t.Context(), p, d); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil || d.done() != 1 {
			t.Errorf("%d, %v", d.done(), err)
		}
	})
	t.Run("process of a process", func(t *testing.T) {
		t.Parallel()
		d := longDeed(t)
		one, err := startLastDeed.Start(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Wait(); err != nil || d.done() != 1 {
			t.Errorf("%d, %v", d.done(), err)
		}
	})
	for name, options := range map[string][]PoolOption{"program": nil, "program, in process": {InProcess()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := longDeed(t)
			p := newPool(t, append(options, Procs(1))...)
			if _, err := lastDeedProgram.Apply(t.Context(), p, filepath.Join(d.Dir, "f")); err != nil {
				t.Fatal(err)
			}
			if err := p.Close(); err != nil || d.done() != 1 {
				t.Errorf("%d, %v", d.done(), err)
			}
		})
	}
	t.Run("program of a process", func(t *testing.T) {
		t.Parallel()
		d := longDeed(t)
		one, err := lastDeedProgram.Start(t.Context(), filepath.Join(d.Dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Wait(); err != nil || d.done() != 1 {
			t.Errorf("%d, %v", d.done(), err)
		}
	})
}

// cutOffs are ways in which a worker fails to reach its end, with what the error says about each.
var cutOffs = map[string]struct {
	begin func(ctx context.Context, p *Pool, d lastDeed) error
	says  string
}{
	"exit function": {func(context.Context, *Pool, lastDeed) error { return nil }, "the exit function of state mrrun/mapreduce."},
	"process": {func(ctx context.Context, p *Pool, d lastDeed) error {
		_, err := startLastDeed.Apply(ctx, p, d)
		return err
	}, "the processes that its tasks have started: the heir"},
	"program": {func(ctx context.Context, p *Pool, d lastDeed) error {
		_, err := endlessProgram.Apply(ctx, p, "a")
		return err
	}, "its programs: sh"},
}

// What takes too long is cut off, and the error says so.
func TestLeaveIsCutOff(t *testing.T) {
	checkLeaks(t)
	const limit = 300 * time.Millisecond
	for name, test := range cutOffs {
		t.Run(name, func(t *testing.T) {
			d := lastDeed{time.Hour, t.TempDir()}
			p, err := NewPool(t.Context(), Procs(1), lastDeedState.Initializer(d), ExitTimeout(limit))
			if err != nil {
				t.Fatal(err)
			}
			if err := test.begin(t.Context(), p, d); err != nil {
				t.Fatal(err)
			}
			worker := p.Workers()[0]
			for range 2 {
				err := p.Close()
				who := fmt.Sprintf("worker %d (pid %d)", worker.ID, worker.PID)
				if !errors.Is(err, ErrTimeout) || !strings.Contains(fmt.Sprint(err), test.says) || !strings.Contains(fmt.Sprint(err), who) {
					t.Errorf("Close: %v", err)
				}
			}
		})
	}
	t.Run("program of a process", func(t *testing.T) {
		one, err := endlessProgram.Start(t.Context(), "a", ExitTimeout(limit), Name("one"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := one.Wait(); !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), "process one") || !strings.Contains(err.Error(), "its programs: sh") {
			t.Errorf("Wait: %v", err)
		}
	})
	t.Run("program, in process", func(t *testing.T) {
		p, err := NewPool(t.Context(), Procs(1), InProcess(), ExitTimeout(limit))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := endlessProgram.Apply(t.Context(), p, "a"); err != nil {
			t.Error(err)
		}
		_ = p.Close() // the program was killed, which checkLeaks verifies
	})
	t.Run("of replaced workers", func(t *testing.T) {
		d := lastDeed{time.Hour, t.TempDir()}
		p, err := NewPool(t.Context(), Procs(1), MaxTasksPerWorker(1), lastDeedState.Initializer(d), ExitTimeout(limit))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := echo.Map(t.Context(), p, numbers(3)); err != nil {
			t.Error(err)
		}
		if err := p.Close(); strings.Count(fmt.Sprint(err), "the exit function of state") < 3 {
			t.Errorf("Close: %v", err)
		}
	})
}

// The pool does not wait for exit functions when its context ends or it is terminated.
func TestLeaveIsInterrupted(t *testing.T) {
	checkLeaks(t)
	why := errors.New("why")
	for name, test := range map[string]struct {
		end  func(p *Pool, cancel context.CancelCauseFunc)
		want error
	}{
		"context":   {func(_ *Pool, cancel context.CancelCauseFunc) { cancel(why) }, why},
		"Terminate": {func(p *Pool, _ context.CancelCauseFunc) { p.Terminate() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := lastDeed{time.Hour, t.TempDir()}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p, err := NewPool(ctx, Procs(1), lastDeedState.Initializer(d), ExitTimeout(0))
			if err != nil {
				t.Fatal(err)
			}
			l := p.supervisor.links[0]
			closed := make(chan error, 1)
			go func() { closed <- p.Close() }()
			<-l.leaving
			test.end(p, cancel)
			if err := <-closed; err != test.want && !errors.Is(err, test.want) {
				t.Errorf("Close: %v, want %v", err, test.want)
			}
			if syscall.Kill(l.process.PID(), 0) == nil {
				t.Error("the worker lives")
			}
		})
	}
}

// The pool waits for workers that take long to end before it starts many more.
func TestLeaveHoldsBack(t *testing.T) {
	d := lastDeed{100 * time.Millisecond, t.TempDir()}
	p := newPool(t, Procs(2), MaxTasksPerWorker(1), lastDeedState.Initializer(d))
	most := 0
	p.supervisor.ending.Go(func() {
		for p.supervisor.ctx.Err() == nil {
			p.supervisor.working.Lock()
			most = max(most, len(p.supervisor.leaving))
			p.supervisor.working.Unlock()
			time.Sleep(time.Millisecond)
		}
	})
	if got, err := echo.Map(t.Context(), p, numbers(30)); err != nil || len(got) != 30 {
		t.Errorf("%v, %v", got, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if most < 2 || most > 4 {
		t.Errorf("%d workers were leaving at a time", most)
	}
}
