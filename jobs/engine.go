package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mrrun/internal/stdio"
	"mrrun/internal/usage"
	"mrrun/mapreduce"
)

// An engine runs the pieces of a job on a pool of worker processes, which it makes when the input
// is known to be good.
type engine struct {
	running  Running
	progress progressFunc

	pieces  int // to run; 0: not known beforehand
	pool    *mapreduce.Pool
	stop    func() // ends the progress display
	startup time.Duration
	pids    []int
	numbers mapreduce.Stats

	done   int       // pieces that did not fail
	failed []Failure // with --keep-going
}

// start makes the pool.
func (e *engine) start(ctx context.Context, pieces int) (*mapreduce.Pool, error) {
	if e.pieces = pieces; len(e.running.Only) > 0 {
		e.pieces = e.running.Only.size()
	}
	began := time.Now()
	pool, err := mapreduce.NewPool(ctx, e.running.options()...)
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

// number returns the number of the piece, counted from 1, that the pool knows by index.
func (e *engine) number(index int) int {
	if len(e.running.Only) > 0 {
		return e.running.Only.at(index)
	}
	return index + 1
}

// checkOnly returns an error if the flag --only asks for more pieces than there are.
func (e *engine) checkOnly(pieces int) error {
	if last := e.running.Only.last(); last > pieces {
		return usagef("--only %v: the job has %d pieces", e.running.Only, pieces)
	}
	return nil
}

// goOn records the failure of a piece, and reports whether the others should go on.
func (e *engine) goOn(err error) bool {
	task, ok := errors.AsType[*mapreduce.TaskError](err)
	if !ok || task.Index < 0 || !e.running.KeepGoing {
		return false
	}
	e.failed = append(e.failed, Failure{Piece: e.number(task.Index), Err: task})
	return true
}

// A Failure is that of one piece.
type Failure struct {
	Piece int // its number, counted from 1
	Err   *mapreduce.TaskError
}

// A Run is a finished run of a job.
type Run struct {
	outcome
	Seconds float64       // from splitting the input to the end of the workers
	Startup time.Duration // the part of that until the first worker was ready
	Chunks  int           // messages with work
	Lost    int           // workers that died
	Retried int           // pieces that were tried again because of that
	PIDs    []int         // of the workers
	Procs   int
	Pieces  int       // that were run
	Failed  []Failure // of the pieces whose results are missing

	line     *Line
	engine   *engine
	streamed bool // the result is on standard output
}

// failures describes the pieces that failed: the first few in full, the others by their numbers.
func (r *Run) failures() (texts []string) {
	const shown = 3
	for _, f := range r.Failed[:min(shown, len(r.Failed))] {
		texts = append(texts, r.line.command.Name+": "+r.line.pieceFailure(f.Err, r.engine))
	}
	if more := r.Failed[len(texts):]; len(more) > 0 {
		texts = append(texts, fmt.Sprintf("%s: %d more failed: pieces %v", r.line.command.Name, len(more), numbersOfFailures(more)))
	}
	return texts
}

// incomplete returns an error if pieces have failed.
func (r *Run) incomplete() error {
	if len(r.Failed) == 0 {
		return nil
	}
	again := r.line.again("--only", numbersOfFailures(r.Failed).String())
	return partialError{fmt.Sprintf("%s: %d of %d pieces failed, and the result is that of the others; again: %s",
		r.line.command.Name, len(r.Failed), r.Pieces, again)}
}

func numbersOfFailures(all []Failure) pieceNumbers {
	var numbers []int
	for _, f := range all {
		numbers = append(numbers, f.Piece)
	}
	return numbersOf(numbers)
}

// A partialError says that a result is that of some pieces alone.
type partialError struct{ text string }

func (e partialError) Error() string { return e.text }
func (partialError) ExitCode() int   { return exitPartial }

// A progressFunc shows how much of total is done until stop is called.
type progressFunc func(total int, done func() int) (stop func())

// Run runs the job with r. It may be called several times. It returns an error for a job that reads
// standard input or writes its result itself.
func (l *Line) Run(ctx context.Context, r Running) (*Run, error) {
	work, params, err := l.parse()
	if err != nil {
		return nil, err
	}
	if streams(work) || slices.ContainsFunc(params.words, stdio.IsInput) {
		return nil, usagef("%s runs the job several times: give a file instead of standard input or output (see %s --help)", l.name, l.name)
	}
	return l.run(ctx, work, params, r, nil)
}

// runOnce runs the job for its own command.
func (l *Line) runOnce(ctx context.Context, r Running, progress progressFunc) (*Run, error) {
	work, params, err := l.parse()
	if err != nil {
		return nil, err
	}
	if streams(work) {
		if r.JSON {
			return nil, usagef("the result and the JSON object would both go to standard output: leave out --json, or give a file (see %s --help)", l.name)
		}
		progress = nil // both may be the same terminal
	}
	return l.run(ctx, work, params, r, progress)
}

func (l *Line) run(ctx context.Context, work Work, p params, r Running, progress progressFunc) (*Run, error) {
	if err := r.check(); err != nil {
		return nil, l.failure(ctx, err, nil)
	}
	e := &engine{running: r, progress: progress}
	began := time.Now()
	err := work.run(ctx, e, p.words)
	closeWork(work.job())
	if cerr := e.finish(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, l.failure(ctx, err, e)
	}
	if n := len(e.failed); n > 0 && e.done == 0 { // there is no result
		first := e.failed[0].Err
		return nil, taskFailure{fmt.Sprintf("%s: all %d pieces failed; %s", l.command.Name, n, l.pieceFailure(first, e)), first}
	}
	return &Run{
		outcome: outcome{work.job(), e.done + len(e.failed), p}, streamed: streams(work), Seconds: time.Since(began).Seconds(), Startup: e.startup,
		Chunks: e.numbers.Chunks, Lost: e.numbers.Lost, Retried: e.numbers.Retried, PIDs: e.pids, Procs: int(r.Procs),
		Pieces: e.done + len(e.failed), Failed: e.failed, line: l, engine: e,
	}, nil
}

// failure words the error of a run for people: an interruption is reported as nothing else, a
// failed piece by its number, and an error about the command line says where to read more.
func (l *Line) failure(ctx context.Context, err error, e *engine) error {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return context.Cause(ctx)
	}
	if _, ok := errors.AsType[usage.Error](err); ok && !strings.Contains(err.Error(), "--help") {
		return usage.Errorf("%w (see %s --help)", err, l.name)
	}
	if task, ok := errors.AsType[*mapreduce.TaskError](err); ok {
		return taskFailure{l.command.Name + ": " + l.pieceFailure(task, e), err}
	}
	return err
}

// pieceFailure says which piece has failed, and why.
func (l *Line) pieceFailure(task *mapreduce.TaskError, e *engine) string {
	text := strings.TrimPrefix(task.Msg, l.command.Name+": ") // the job may have named itself
	if task.Stack != "" {
		text += "\n" + task.Stack
	}
	if task.Index < 0 {
		return text
	}
	return fmt.Sprintf("%s failed: %s", e.piece(task.Index), text)
}

// piece names the piece with that index.
func (e *engine) piece(index int) string {
	if e.pieces == 0 || len(e.running.Only) > 0 {
		return fmt.Sprintf("piece %d", e.number(index))
	}
	return fmt.Sprintf("piece %d of %d", e.number(index), e.pieces)
}

type taskFailure struct {
	text  string
	cause error
}

func (e taskFailure) Error() string { return e.text }
func (e taskFailure) Unwrap() error { return e.cause }
