package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"mrrun/mapreduce"
)

// Work is what a command does once its flags are set. [Fold], [FoldFunc], [Keyed] or [Table] makes
// it, for one run.
type Work interface {
	// run does the work on e. It splits the input first, so that bad input is reported before a
	// process is started.
	run(ctx context.Context, e *engine, args []string) error
	// job is what the author of the job has written, which may have more methods.
	job() any
}

// Pieces are the parts into which the input of a job is cut.
type Pieces[In any] struct {
	All   iter.Seq[In]
	Count int // how many there are; 0: not known beforehand
}

// A Splitter cuts the input of a job into pieces. [Range] and [Lines] are ready ones.
type Splitter[In any] interface {
	// Split cuts the input that the flags and the words after them describe.
	Split(ctx context.Context, args []string) (Pieces[In], error)
}

// A Folder is a job that computes each piece by itself and folds the results in input order.
//
// It may have more methods: those of [Output], in place of the defaults, of [Finisher], [Noter],
// [Streamer], and of [io.Closer] to release what it took for its run.
type Folder[In, Out any] interface {
	Splitter[In]
	// Add takes the result of the next piece.
	Add(result Out) error
	// Result returns the result, after the run.
	Result() any
}

// A Finisher has work to do after all results were added. It counts as part of the run.
type Finisher interface {
	Finish() error
}

// A Streamer is a job that can write its result to standard output itself, piece by piece. If it
// does, [Output.Show] is not called, and other uses of standard output are refused: JSON, and a
// second run.
type Streamer interface {
	// Streams reports whether the run will do so. It is called before the run.
	Streams() bool
}

// Fold returns the work of f, whose pieces are computed by task.
func Fold[In, Out any](task *mapreduce.Task[In, Out], f Folder[In, Out]) Work {
	return &folded[In, Out]{Folder: f, task: task}
}

// FoldFunc returns the work of a job whose pieces are computed by task, and whose result is what add
// makes of their results, one after the other in input order: sum is the zero value at first.
func FoldFunc[In, Out, R any](split Splitter[In], task *mapreduce.Task[In, Out], add func(sum R, next Out) R) Work {
	return Fold(task, &sum[In, Out, R]{Splitter: split, add: add})
}

type sum[In, Out, R any] struct {
	Splitter[In]
	add    func(R, Out) R
	result R
}

func (s *sum[In, Out, R]) Add(next Out) error { s.result = s.add(s.result, next); return nil }
func (s *sum[In, Out, R]) Result() any        { return s.result }
func (s *sum[In, Out, R]) inner() any         { return s.Splitter }

type folded[In, Out any] struct {
	Folder[In, Out]
	task *mapreduce.Task[In, Out]
}

func (w *folded[In, Out]) job() any { return w.Folder }

func (w *folded[In, Out]) run(ctx context.Context, e *engine, args []string) error {
	pieces, err := w.Split(ctx, args)
	if err != nil {
		return err
	}
	if pieces.Count > 0 {
		if err := e.checkOnly(pieces.Count); err != nil {
			return err
		}
	}
	all := &chosen[In]{all: pieces.All, only: e.running.Only}
	results, err := w.results(ctx, e, pieces.Count, all.pieces)
	if err != nil {
		return err
	}
	for result, err := range results {
		if err != nil {
			if e.goOn(err) {
				continue
			}
			return err
		}
		e.done++
		if err := w.Add(result); err != nil {
			return err
		}
	}
	if err := e.checkOnly(all.seen); err != nil {
		return err
	}
	if err := e.checkDone(); err != nil {
		return err
	}
	if f, ok := as[Finisher](w.Folder); ok {
		e.step("finishing the result")
		return f.Finish()
	}
	return nil
}

// results computes the pieces.
func (w *folded[In, Out]) results(ctx context.Context, e *engine, count int, pieces iter.Seq[In]) (iter.Seq2[Out, error], error) {
	switch e.running.Start {
	case Loop:
		return loop(ctx, w.task, pieces), nil
	case Goroutines:
		return inGoroutines(ctx, int(e.running.Procs), w.task, pieces), nil
	}
	pool, err := e.start(ctx, count)
	if err != nil {
		return nil, err
	}
	return w.task.Imap(ctx, pool, pieces), nil
}

// chosen are the pieces that the flag --only names, or all.
type chosen[In any] struct {
	all  iter.Seq[In]
	only pieceNumbers
	seen int // up to the last one that is chosen; valid after pieces
}

func (c *chosen[In]) pieces(yield func(In) bool) {
	for piece := range c.all {
		c.seen++
		if len(c.only) > 0 && !c.only.has(c.seen) {
			continue
		}
		if !yield(piece) || c.seen == c.only.last() {
			return
		}
	}
}

// A Keyer is a job that reduces by key. J is the type of the parameters that travel to the workers.
// Like a [Folder] it may have more methods.
type Keyer[J mapreduce.Mapper[In, K, V], In any, K comparable, V any] interface {
	Splitter[In]
	// Job returns the parameters.
	Job() J
	// Collect takes the reduced values of all keys, which it may use until it returns.
	Collect(values *mapreduce.Result[K, V]) error
	// Result returns the result, after the run.
	Result() any
}

// Keyed returns the work of k, whose pieces are mapped and reduced by job.
func Keyed[J mapreduce.Mapper[In, K, V], In any, K comparable, V any](job *mapreduce.Job[J, In, K, V], k Keyer[J, In, K, V]) Work {
	return &keyed[J, In, K, V]{Keyer: k, reduce: job}
}

type keyed[J mapreduce.Mapper[In, K, V], In any, K comparable, V any] struct {
	Keyer[J, In, K, V]
	reduce *mapreduce.Job[J, In, K, V]
}

func (w *keyed[J, In, K, V]) job() any { return w.Keyer }

func (w *keyed[J, In, K, V]) run(ctx context.Context, e *engine, args []string) error {
	split, err := w.Split(ctx, args)
	if err != nil {
		return err
	}
	all := &chosen[In]{all: split.All, only: e.running.Only}
	pieces := slices.Collect(all.pieces)
	if err := e.checkOnly(all.seen); err != nil {
		return err
	}
	pool, err := e.start(ctx, len(pieces))
	if err != nil {
		return err
	}
	var options []mapreduce.CallOption
	if e.running.KeepGoing {
		options = append(options, mapreduce.KeepGoing())
	}
	values, err := w.reduce.Results(ctx, pool, w.Job(), pieces, options...)
	if err != nil {
		return err
	}
	for _, failure := range values.Failed() {
		e.goOn(failure)
	}
	e.done = len(pieces) - len(e.failed)
	if err := e.checkDone(); err != nil {
		return errors.Join(err, values.Close())
	}
	e.step("collecting the results")
	stop := context.AfterFunc(ctx, func() { values.Cancel(context.Cause(ctx)) })
	defer stop()
	return cmp.Or(w.Collect(values), values.Err(), values.Close())
}

// Table returns the work of a job whose pieces are mapped and reduced by job with *params, in the
// state after the flags were parsed. The result is a table of all keys, in their order, with their
// values.
func Table[J mapreduce.Mapper[In, K, V], In any, K comparable, V any](split Splitter[In], job *mapreduce.Job[J, In, K, V], params *J) Work {
	return Keyed(job, &table[J, In, K, V]{Splitter: split, params: params})
}

type table[J mapreduce.Mapper[In, K, V], In any, K comparable, V any] struct {
	Splitter[In]
	params  *J
	entries []mapreduce.Entry[K, V]
}

func (t *table[J, In, K, V]) Job() J     { return *t.params }
func (t *table[J, In, K, V]) inner() any { return t.Splitter }

func (t *table[J, In, K, V]) Collect(values *mapreduce.Result[K, V]) error {
	for key, value := range values.All() {
		t.entries = append(t.entries, mapreduce.Entry[K, V]{Key: key, Value: value})
	}
	return nil
}

// Show writes a line for each key, with a tab before its value.
func (t *table[J, In, K, V]) Show(w io.Writer) error {
	for _, e := range t.entries {
		if _, err := fmt.Fprintf(w, "%v\t%v\n", e.Key, e.Value); err != nil {
			return err
		}
	}
	return nil
}

func (t *table[J, In, K, V]) Result() any {
	type entry struct {
		Key   any `json:"key"`
		Value any `json:"value"`
	}
	all := make([]entry, len(t.entries))
	for i, e := range t.entries {
		all[i] = entry{jsonText(e.Key), jsonText(e.Value)}
	}
	return all
}

// jsonText returns v, or what JSON has of it if it is a text.
func jsonText(v any) any {
	if s, ok := v.(string); ok {
		return Text(s)
	}
	return v
}

// as returns the job, or what it has in it, as a T.
func as[T any](job any) (T, bool) {
	t, ok := job.(T)
	if outer, has := job.(interface{ inner() any }); has && !ok {
		return as[T](outer.inner())
	}
	return t, ok
}

// closeWork releases what a job took for its run.
func closeWork(job any) {
	if c, ok := as[io.Closer](job); ok {
		_ = c.Close() // only what was read is closed
	}
}

func streams(w Work) bool {
	s, ok := as[Streamer](w.job())
	return ok && s.Streams()
}
