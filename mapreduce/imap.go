package mapreduce

import (
	"context"
	"iter"
)

// minWindow and maxWindow bound the number of items that [Task.Imap] may have taken and not
// yielded.
const (
	minWindow = 1 << 10
	maxWindow = 1 << 20
)

// Imap computes the task for each item of in, which may be infinite, and yields the results in
// input order as they come.
//
// An item that fails yields its [TaskError], and the iteration continues. Any other error, such as
// the cause of ctx or an argument that cannot be encoded, is yielded once and ends the iteration.
//
// A slow consumer slows the input: at most a window of items is taken from in and not yet yielded.
// The window is the larger of 1,024 items and four chunks per worker (of 262,144 items at most).
// For large items it is as many as have 64 MiB of encoded arguments, or of results, but at least
// two chunks per worker.
//
// in runs in a goroutine of its own; if it panics, the panic is raised again in the consumer. After
// a break, in runs no further: the break waits for the step of in that is under way. If the
// iteration ends by itself, because ctx or the pool has ended or because of an error, it does not
// wait for a step that blocks: the goroutine of in stays behind, and ends at its next step.
//
// The iterator may be used by only one loop at a time.
func (t *Task[A, R]) Imap(ctx context.Context, p *Pool, in iter.Seq[A], opts ...CallOption) iter.Seq2[R, error] {
	return t.ImapSeq2(ctx, p, neverFailing(in), opts...)
}

// ImapSeq2 is [Task.Imap] for an input that can fail. The first error of in ends the input; it is
// yielded after the results of the items before it.
func (t *Task[A, R]) ImapSeq2(ctx context.Context, p *Pool, in iter.Seq2[A, error], opts ...CallOption) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		t.imap(ctx, p, in, false, opts, func(item Item[R], err error) bool { return yield(item.Value, err) })
	}
}

// An Item is a result with the index of its argument in the input.
type Item[R any] struct {
	Index int
	Value R
}

// ImapUnordered is like [Task.Imap] but yields each result as soon as it is available. A slow item
// takes one place of the window, and delays only the items that wait behind it at its worker.
func (t *Task[A, R]) ImapUnordered(ctx context.Context, p *Pool, in iter.Seq[A], opts ...CallOption) iter.Seq2[Item[R], error] {
	return func(yield func(Item[R], error) bool) { t.imap(ctx, p, neverFailing(in), true, opts, yield) }
}

func neverFailing[A any](in iter.Seq[A]) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		for a := range in {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (t *Task[A, R]) imap(ctx context.Context, p *Pool, in iter.Seq2[A, error], unordered bool, opts []CallOption,
	yield func(Item[R], error) bool) {
	o, err := p.callOptions(t.entryOf(), opts)
	if err == nil {
		err = p.enter(ctx)
	}
	if err != nil {
		yield(Item[R]{}, err)
		return
	}
	defer p.gate.leave()
	o.chunksize = min(o.chunksize, maxWindow/4)
	m := newImapItems(t, p.supervisor, o, unordered)
	if err := p.supervisor.begin(ctx, m.call); err != nil {
		yield(Item[R]{}, err)
		return
	}
	m.consume(ctx, in, yield)
}
