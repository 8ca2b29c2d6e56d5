package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mrrun/mapreduce"
)

func newTestLine(t *testing.T, c Command, words ...string) *Line {
	t.Helper()
	line, err := NewLine("mrrun "+c.Name, c, words, func(*Flags) {})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func running(procs, chunksize int64) Running {
	r := DefaultRunning()
	r.Procs, r.Chunksize = procs, chunksize
	return r
}

func TestRun(t *testing.T) {
	closed := 0
	line := newTestLine(t, doubleCommand(&closed, nil), "--limit", "100")
	for i := range 2 { // each run is separate
		run, err := line.Run(t.Context(), running(2, 7))
		if err != nil {
			t.Fatal(err)
		}
		if run.Result() != int64(9900) || run.Units() != 100 || run.Procs != 2 || len(run.PIDs) != 2 || run.Chunks != 15 {
			t.Errorf("got %v in %+v", run.Result(), run)
		}
		if run.Startup <= 0 || run.Seconds < run.Startup.Seconds() {
			t.Errorf("took %v s, of that %v to start", run.Seconds, run.Startup)
		}
		if got := run.Notes(); len(got) != 1 {
			t.Errorf("got notes %q", got)
		}
		if closed != i+1 {
			t.Errorf("%d jobs were closed, want %d", closed, i+1)
		}
	}
}

func TestRunErrors(t *testing.T) {
	errAdd, errFinish := errors.New("add"), errors.New("finish")
	tests := map[string]struct {
		change func(*doubler)
		want   string
		is     error
	}{
		"add":    {func(d *doubler) { d.failAdd = errAdd }, "add", errAdd},
		"finish": {func(d *doubler) { d.failFinish = errFinish }, "finish", errFinish},
		"task":   {func(d *doubler) { d.first = 1013 }, "double: piece 1 of 10 failed: 1013 is unlucky", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			closed := 0
			_, err := newTestLine(t, doubleCommand(&closed, tt.change)).Run(t.Context(), running(2, 0))
			if err == nil || err.Error() != tt.want || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if closed != 1 {
				t.Errorf("%d jobs were closed, want 1", closed)
			}
		})
	}
}

// The error of a task has a short text, but wraps everything.
func TestTaskFails(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, func(d *doubler) { d.first = 1010 })
	_, err := newTestLine(t, c).Run(t.Context(), running(1, 0))
	if err == nil || err.Error() != "double: piece 4 of 10 failed: 1013 is unlucky" {
		t.Errorf("got %v, want the text of the task", err)
	}
	if task, ok := errors.AsType[*mapreduce.TaskError](err); !ok || task.Index != 3 {
		t.Errorf("got %#v, want the error of item 3 in it", err)
	}
}

// A panic is reported with its piece and its stack.
func TestTaskPanics(t *testing.T) {
	closed := 0
	c := doubleCommand(&closed, func(d *doubler) { d.first = 1014 })
	_, err := newTestLine(t, c).Run(t.Context(), running(1, 0))
	if err == nil {
		t.Fatal("no error")
	}
	wantParts(t, err.Error(), "double: piece 1 of 10 failed: panic: 1014 is worse", "main_test.go")
}

// A job that names itself is not named twice, and an error without a piece has no number.
func TestFailureText(t *testing.T) {
	closed := 0
	line := newTestLine(t, doubleCommand(&closed, nil))
	for _, tt := range []struct {
		index, pieces int
		msg, want     string
	}{
		{2, 8, "too large", "double: piece 3 of 8 failed: too large"},
		{2, 8, "double: too large", "double: piece 3 of 8 failed: too large"},
		{2, 0, "doubled: no", "double: piece 3 failed: doubled: no"},
		{-1, 8, "double: too large", "double: too large"},
	} {
		err := line.failure(t.Context(), &mapreduce.TaskError{Index: tt.index, Msg: tt.msg}, &engine{pieces: tt.pieces})
		if err.Error() != tt.want {
			t.Errorf("%q, want %q", err, tt.want)
		}
	}
}

// Ctrl-C is reported as such, however the job wraps it.
func TestRunInterrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	closed := 0
	c := doubleCommand(&closed, nil)
	line := newTestLine(t, c)
	cancel(interrupted)
	if _, err := line.Run(ctx, running(2, 0)); err != interrupted {
		t.Errorf("got %v, want %v", err, interrupted)
	}
	if got := line.failure(ctx, errors.Join(errors.New("read"), interrupted), nil); got != interrupted {
		t.Errorf("got %v, want %v", got, interrupted)
	}
	other := errors.New("other")
	if got := line.failure(ctx, other, nil); got != other {
		t.Errorf("got %v, want %v", got, other)
	}
}

// Ctrl-C while results are collected ends that.
func TestCollectInterrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	listings := 0
	c := tallyCommand()
	c.New = func(*Flags) Work {
		return Keyed(tallies, &tallier{collect: func(r *mapreduce.Result[int, int64]) {
			cancel(interrupted)
			for ; r.Err() == nil && listings < 1e6; listings++ {
				for range r.All() {
				}
			}
		}})
	}
	two := running(2, 0)
	two.Only = numbersOf([]int{1, 2})
	if _, err := newTestLine(t, c).Run(ctx, two); err != interrupted || listings == 1e6 {
		t.Errorf("got %v after %d listings, want %v", err, listings, interrupted)
	}
}

// Ctrl-C while the result is written ends that.
func TestWriteInterrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	var out strings.Builder
	if err := (&Run{outcome: outcome{job: &doubler{}}}).write(ctx, &out, "double", false); err != interrupted || out.Len() > 0 {
		t.Errorf("got %q, %v, want %v", &out, err, interrupted)
	}
}
