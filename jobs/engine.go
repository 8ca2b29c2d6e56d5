package jobs

import (
	"cmp"
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
	line    *Line
	running Running
	view    *view // nil: the run is silent

	pieces  int // to run; 0: not known beforehand
	pool    *mapreduce.Pool
	startup time.Duration
	pids    []int
	numbers mapreduce.Stats
	memory  int64 // bytes: the most that each worker has taken, together

	count  func() int // pieces done, if they are not what the pool runs
	done   int        // pieces that did not fail
	failed []Failure  // with --keep-going
}

// start makes the pool, for so many pieces.
func (e *engine) start(ctx context.Context, pieces int) (*mapreduce.Pool, error) {
	if e.pieces = pieces; len(e.running.Only) > 0 {
		e.pieces = e.running.Only.size()
	}
	began := time.Now()
	options := e.running.options()
	if e.view != nil {
		more, err := e.view.options(e)
		if err != nil {
			return nil, err
		}
		options = append(options, more...)
	}
	pool, err := mapreduce.NewPool(ctx, options...)
	if err != nil {
		return nil, err
	}
	e.pool, e.startup = pool, time.Since(began)
	if e.view != nil {
		e.view.start(pool)
	}
	return pool, nil
}

// finish records the figures of the pool and closes it.
func (e *engine) finish() error {
	if e.pool == nil {
		return e.endView()
	}
	for _, w := range e.pool.Workers() {
		e.pids = append(e.pids, w.PID)
	}
	e.step("ending the workers")
	err := e.pool.Close()
	e.numbers = e.pool.Stats()
	for _, w := range e.numbers.Workers {
		e.memory += w.Memory
	}
	return cmp.Or(err, e.endView())
}

func (e *engine) endView() error {
	if e.view == nil {
		return nil
	}
	return e.view.end()
}

// step says what is done now that all pieces are.
func (e *engine) step(step string) {
	if e.view != nil {
		e.view.step(step)
	}
}

// waiting returns the part of the workers' time in which they had nothing to do.
func (e *engine) waiting() float64 {
	if all := e.numbers.Times.Total(); all > 0 {
		return e.numbers.Times.Wait.Seconds() / all.Seconds()
	}
	return 0
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
	Numbers mapreduce.Stats
	Waiting float64 // the part of the workers' time in which they had nothing to do; 0 without workers
	Memory  int64   // bytes: the most that each worker had, together; 0 without workers

	facts    []*facts // about Failed
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
func (l *Line) runOnce(ctx context.Context, r Running, v *view) (*Run, error) {
	work, params, err := l.parse()
	if err != nil {
		return nil, err
	}
	if streams(work) {
		if r.JSON {
			return nil, usagef("the result and the JSON object would both go to standard output: leave out --json, or give a file (see %s --help)", l.name)
		}
		v.makeRoom()
	}
	return l.run(ctx, work, params, r, v)
}

func (l *Line) run(ctx context.Context, work Work, p params, r Running, v *view) (*Run, error) {
	if err := r.check(); err != nil {
		return nil, l.failure(ctx, err, nil)
	}
	e := &engine{line: l, running: r, view: v}
	began := time.Now()
	err := work.run(ctx, e, p.words)
	closeWork(work.job())
	err = cmp.Or(err, e.finish())
	e.step("writing the result")
	if err != nil {
		return nil, l.failure(ctx, err, e)
	}
	return &Run{
		outcome: outcome{work.job(), e.done + len(e.failed), p}, streamed: streams(work), Seconds: time.Since(began).Seconds(), Startup: e.startup,
		Chunks: e.numbers.Chunks, Lost: e.numbers.Lost, Retried: e.numbers.Retried, PIDs: e.pids, Procs: int(r.Procs),
		Pieces: e.done + len(e.failed), Failed: e.failed, Numbers: e.numbers, Waiting: e.waiting(), Memory: e.memory,
		line: l, engine: e, facts: l.allFacts(e),
	}, nil
}

// checkDone returns an error if all pieces have failed, so that there is no result.
func (e *engine) checkDone() error {
	if len(e.failed) == 0 || e.done > 0 {
		return nil
	}
	first := e.failed[0].Err
	text := fmt.Sprintf("%s: all %d pieces failed; %s", e.line.command.Name, len(e.failed), e.line.pieceFailure(first, e))
	return taskFailure{text, first, e.line.allFacts(e)}
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
	if _, worded := errors.AsType[taskFailure](err); worded {
		return err
	}
	if task, ok := errors.AsType[*mapreduce.TaskError](err); ok {
		failed := taskFailure{l.command.Name + ": " + l.pieceFailure(task, e), err, l.allFacts(e)}
		if task.Index >= 0 {
			failed.facts = append(failed.facts, l.facts(task, e))
		}
		return failed
	}
	return err
}

// pieceFailure says which piece has failed, and why.
func (l *Line) pieceFailure(task *mapreduce.TaskError, e *engine) string {
	text := strings.TrimPrefix(task.Msg, l.command.Name+": ") // the job may have named itself
	if task.Index < 0 {
		return strings.TrimSuffix(text+"\n"+task.UserStack(), "\n")
	}
	if f := l.facts(task, e); f.Cause != causeError {
		text = f.brief() + f.text(e.running.MemoryLimit)
	}
	return fmt.Sprintf("%s failed: %s", e.piece(task.Index), text)
}

// facts returns what is known about the failure of a piece.
func (l *Line) facts(task *mapreduce.TaskError, e *engine) *facts {
	if e.count != nil { // it is an item of some step: no piece can be run alone
		return factsOf(e.number(task.Index), task, nil)
	}
	var deaths []mapreduce.WorkerChange
	if e.view != nil && e.view.watch != nil {
		deaths = e.view.watch.deathsOf(task.Index)
	}
	f := factsOf(e.number(task.Index), task, deaths)
	flags := []string{"--only", fmt.Sprint(f.Piece)}
	if r := e.running; !r.Pin && r.Nice == 0 && r.MemoryLimit == 0 { // which need processes
		flags = append(flags, "--start", "inprocess")
	}
	f.Again = l.again(flags...)
	return f
}

// allFacts returns what is known about the pieces that failed so far.
func (l *Line) allFacts(e *engine) (all []*facts) {
	for _, failure := range e.failed {
		all = append(all, l.facts(failure.Err, e))
	}
	return all
}

// piece names the piece with that index.
func (e *engine) piece(index int) string {
	if e.pieces == 0 || len(e.running.Only) > 0 || e.count != nil {
		return fmt.Sprintf("piece %d", e.number(index))
	}
	return fmt.Sprintf("piece %d of %d", e.number(index), e.pieces)
}

type taskFailure struct {
	text  string
	cause error
	facts []*facts
}

func (e taskFailure) Error() string { return e.text }
func (e taskFailure) Unwrap() error { return e.cause }
