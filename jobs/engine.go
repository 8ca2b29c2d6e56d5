package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mrrun/internal/stdio"
	"mrrun/mapreduce"
)

// An engine runs the pieces of a job on a pool of worker processes, which it makes when the input
// is known to be good.
type engine struct {
	running  Running
	progress progressFunc

	pieces  int // 0: not known beforehand
	pool    *mapreduce.Pool
	stop    func() // ends the progress display
	startup time.Duration
	pids    []int
	numbers mapreduce.Stats
}

// start makes the pool.
func (e *engine) start(ctx context.Context, pieces int) (*mapreduce.Pool, error) {
	e.pieces = pieces
	began := time.Now()
	pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(int(e.running.Procs)), mapreduce.Chunksize(int(e.running.Chunksize)), mapreduce.MemoryBudget(e.running.Budget))
	if err != nil {
		return nil, err
	}
	e.pool, e.startup = pool, time.Since(began)
	if e.progress != nil {
		e.stop = e.progress(pieces, func() int { return pool.Stats().Done })
	}
	return pool, nil
}

// finish records the figures of the pool and closes it.
func (e *engine) finish() error {
	if e.stop != nil {
		e.stop()
	}
	if e.pool == nil {
		return nil
	}
	for _, w := range e.pool.Workers() {
		e.pids = append(e.pids, w.PID)
	}
	e.numbers = e.pool.Stats()
	return e.pool.Close()
}

// A Run is a finished run of a job.
type Run struct {
	Output
	Seconds float64       // from splitting the input to the end of the workers
	Startup time.Duration // the part of that until the first worker was ready
	Chunks  int           // messages with work
	Lost    int           // workers that died
	Retried int           // pieces that were tried again because of that
	PIDs    []int         // of the workers
	Procs   int
}

// A progressFunc shows how much of total is done until stop is called.
type progressFunc func(total int, done func() int) (stop func())

// Run runs the job with r. It may be called several times. It returns an error for a job that reads
// standard input or writes its result itself.
func (l *Line) Run(ctx context.Context, r Running) (*Run, error) {
	work, args, err := l.parse()
	if err != nil {
		return nil, err
	}
	if streams(work) || slices.ContainsFunc(args, stdio.IsInput) {
		return nil, usagef("%s runs the job several times: give a file instead of standard input or output (see %s --help)", l.name, l.name)
	}
	return l.run(ctx, work, args, r, nil)
}

// runOnce runs the job for its own command.
func (l *Line) runOnce(ctx context.Context, r Running, progress progressFunc) (*Run, error) {
	work, args, err := l.parse()
	if err != nil {
		return nil, err
	}
	if streams(work) {
		if r.JSON {
			return nil, usagef("the result and the JSON object would both go to standard output: leave out --json, or give a file (see %s --help)", l.name)
		}
		progress = nil // both may be the same terminal
	}
	return l.run(ctx, work, args, r, progress)
}

func (l *Line) run(ctx context.Context, work Work, args []string, r Running, progress progressFunc) (*Run, error) {
	e := &engine{running: r, progress: progress}
	began := time.Now()
	err := work.run(ctx, e, args)
	if cerr := e.finish(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, l.failure(ctx, err, e.pieces)
	}
	return &Run{
		Output: work, Seconds: time.Since(began).Seconds(), Startup: e.startup,
		Chunks: e.numbers.Chunks, Lost: e.numbers.Lost, Retried: e.numbers.Retried, PIDs: e.pids, Procs: int(r.Procs),
	}, nil
}

// failure words the error of a run for people: an interruption is reported as nothing else, and a
// failed piece by its number.
func (l *Line) failure(ctx context.Context, err error, pieces int) error {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return context.Cause(ctx)
	}
	task, ok := errors.AsType[*mapreduce.TaskError](err)
	if !ok {
		return err
	}
	text := strings.TrimPrefix(task.Msg, l.command.Name+": ") // the job may have named itself
	if task.Stack != "" {
		text += "\n" + task.Stack
	}
	if task.Index >= 0 {
		text = fmt.Sprintf("%s failed: %s", piece(task.Index, pieces), text)
	}
	return taskFailure{l.command.Name + ": " + text, err}
}

// piece names the piece with that index as people count; total 0 means unknown.
func piece(index, total int) string {
	if total == 0 {
		return fmt.Sprintf("piece %d", index+1)
	}
	return fmt.Sprintf("piece %d of %d", index+1, total)
}

type taskFailure struct {
	text  string
	cause error
}

func (e taskFailure) Error() string { return e.text }
func (e taskFailure) Unwrap() error { return e.cause }
