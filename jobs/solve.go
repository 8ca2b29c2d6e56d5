package jobs

import (
	"context"

	"mrrun/mapreduce"
)

// A Solver is a job that calls the pool itself, in several steps that build on each other. Like a
// [Folder] it may have more methods.
type Solver interface {
	// Solve computes the result. It checks the parameters first, and then calls start, once, which
	// makes the pool. The progress shown is that done of total pieces are done.
	Solve(ctx context.Context, start func(total int, done func() int) (*mapreduce.Pool, error)) error
	// Result returns the result, after the run.
	Result() any
}

// Solve returns the work of s.
func Solve(s Solver) Work { return &solved{s} }

type solved struct{ Solver }

func (w *solved) job() any { return w.Solver }

func (w *solved) run(ctx context.Context, e *engine, _ []string) error {
	if r := e.running; len(r.Only) > 0 || r.Backups || r.KeepGoing || r.JobLog != "" {
		return usagef("--only, --backups, --keep-going and --joblog are for jobs whose pieces do not build on each other: leave them out")
	}
	err := w.Solve(ctx, func(total int, done func() int) (*mapreduce.Pool, error) {
		e.count = done
		return e.start(ctx, total)
	})
	if err == nil {
		e.done = e.pieces
	}
	return err
}

// Choose returns the work that choose returns, which is called once the flags are parsed.
func Choose(choose func() Work) Work { return &choice{choose: choose} }

type choice struct {
	choose func() Work
	chosen Work
}

func (c *choice) work() Work {
	if c.chosen == nil {
		c.chosen = c.choose()
	}
	return c.chosen
}

func (c *choice) job() any { return c.work().job() }

func (c *choice) run(ctx context.Context, e *engine, args []string) error {
	return c.work().run(ctx, e, args)
}
