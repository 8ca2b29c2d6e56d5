package jobs

import (
	"cmp"
	"context"
	"io"
	"iter"
	"slices"

	"mrrun/mapreduce"
)

// Pieces are the parts into which the input of a job is cut.
type Pieces[In any] struct {
	All   iter.Seq[In]
	Count int // how many there are; 0: not known beforehand
}

// A Folder is a job that computes each piece by itself and folds the results in input order.
type Folder[In, Out any] interface {
	Output
	// Split cuts the input that the parameters and the words after the flags describe.
	Split(ctx context.Context, args []string) (Pieces[In], error)
	// Add takes the result of the next piece.
	Add(result Out) error
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

type folded[In, Out any] struct {
	Folder[In, Out]
	task *mapreduce.Task[In, Out]
}

func (w *folded[In, Out]) run(ctx context.Context, e *engine, args []string) error {
	defer closeWork(w.Folder)
	pieces, err := w.Split(ctx, args)
	if err != nil {
		return err
	}
	if pieces.Count > 0 {
		if err := e.checkOnly(pieces.Count); err != nil {
			return err
		}
	}
	pool, err := e.start(ctx, pieces.Count)
	if err != nil {
		return err
	}
	all := &chosen[In]{all: pieces.All, only: e.running.Only}
	for result, err := range w.task.Imap(ctx, pool, all.pieces) {
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
	if f, ok := w.Folder.(Finisher); ok {
		return f.Finish()
	}
	return nil
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

func (w *folded[In, Out]) Notes() []string { return notesOf(w.Folder) }
func (w *folded[In, Out]) Streams() bool   { return streams(w.Folder) }

// A Keyer is a job that reduces by key. J is the type of the parameters that travel to the workers.
type Keyer[J mapreduce.Mapper[In, K, V], In any, K comparable, V any] interface {
	Output
	// Split cuts the input that the words after the flags describe.
	Split(ctx context.Context, args []string) ([]In, error)
	// Job returns the parameters.
	Job() J
	// Collect takes the reduced values of all keys, which it may use until it returns.
	Collect(values *mapreduce.Result[K, V]) error
}

// Keyed returns the work of k, whose pieces are mapped and reduced by job.
func Keyed[J mapreduce.Mapper[In, K, V], In any, K comparable, V any](job *mapreduce.Job[J, In, K, V], k Keyer[J, In, K, V]) Work {
	return &keyed[J, In, K, V]{Keyer: k, job: job}
}

type keyed[J mapreduce.Mapper[In, K, V], In any, K comparable, V any] struct {
	Keyer[J, In, K, V]
	job *mapreduce.Job[J, In, K, V]
}

func (w *keyed[J, In, K, V]) run(ctx context.Context, e *engine, args []string) error {
	defer closeWork(w.Keyer)
	pieces, err := w.Split(ctx, args)
	if err != nil {
		return err
	}
	if err := e.checkOnly(len(pieces)); err != nil {
		return err
	}
	total := len(pieces)
	if len(e.running.Only) > 0 {
		all := chosen[In]{all: slices.Values(pieces), only: e.running.Only}
		pieces = slices.Collect(all.pieces)
	}
	pool, err := e.start(ctx, total)
	if err != nil {
		return err
	}
	var options []mapreduce.CallOption
	if e.running.KeepGoing {
		options = append(options, mapreduce.KeepGoing())
	}
	values, err := w.job.Results(ctx, pool, w.Job(), pieces, options...)
	if err != nil {
		return err
	}
	for _, failure := range values.Failed() {
		e.goOn(failure)
	}
	e.done = len(pieces) - len(e.failed)
	stop := context.AfterFunc(ctx, func() { values.Cancel(context.Cause(ctx)) })
	defer stop()
	return cmp.Or(w.Collect(values), values.Err(), values.Close())
}

func (w *keyed[J, In, K, V]) Notes() []string { return notesOf(w.Keyer) }
func (w *keyed[J, In, K, V]) Streams() bool   { return streams(w.Keyer) }

// closeWork releases what a job took for its run, such as temporary files, if the job is an
// io.Closer.
func closeWork(job any) {
	if c, ok := job.(io.Closer); ok {
		_ = c.Close() // only what was read is closed
	}
}

func notesOf(job any) []string {
	if n, ok := job.(Noter); ok {
		return n.Notes()
	}
	return nil
}

func streams(job any) bool {
	s, ok := job.(Streamer)
	return ok && s.Streams()
}
