package jobs

import (
	"context"
	"errors"
	"testing"

	"mrrun/internal/usage"
	"mrrun/mapreduce"
)

// A quadrupler is a job for tests that doubles a number twice, each time on the pool.
type quadrupler struct{ n, result int64 }

func (q *quadrupler) Solve(ctx context.Context, start func(int, func() int) (*mapreduce.Pool, error)) error {
	done := 0
	pool, err := start(2, func() int { return done })
	if err != nil {
		return err
	}
	x := int(q.n)
	for range 2 {
		if x, err = double.Apply(ctx, pool, x); err != nil {
			return err
		}
	}
	q.result = int64(x)
	return nil
}

func (q *quadrupler) Result() any { return q.result }

func TestSolve(t *testing.T) {
	command := Command{Name: "quadruple", New: func(flags *Flags) Work {
		q := &quadrupler{}
		flags.Count(&q.n, "number", "n", 0, 1e6, "")
		return Choose(func() Work { return Solve(q) })
	}}
	line := newTestLine(t, command, "-n", "7")
	running := DefaultRunning()
	run, err := line.Run(t.Context(), running)
	if err != nil || run.Result() != int64(28) {
		t.Errorf("got %+v, %v", run, err)
	}
	only, backups := running, running
	only.Only, backups.Backups = numbersOf([]int{1}), true
	for _, r := range []Running{only, backups} {
		_, err := line.Run(t.Context(), r)
		if _, ok := errors.AsType[usage.Error](err); !ok {
			t.Errorf("with %+v: got %v, want a usage error", r, err)
		}
	}
	if _, err := newTestLine(t, command, "-n", "1013").Run(t.Context(), running); err == nil || err.Error() != "quadruple: piece 1 failed: 1013 is unlucky" {
		t.Errorf("got %v", err)
	}
}
