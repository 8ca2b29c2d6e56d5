package mapreduce

import (
	"context"
	"iter"
)

// Fold computes the task for each item of in, and folds the results in input order in the calling
// goroutine: acc = fold(acc, result). It never holds all items or all results in memory; see
// [Task.Imap]. It stops at the first error, of an item or of fold, and returns that error with the
// value folded so far.
func Fold[A, R, Acc any](ctx context.Context, p *Pool, t *Task[A, R], in iter.Seq[A], acc Acc,
	fold func(Acc, R) (Acc, error), opts ...CallOption) (Acc, error) {
	for result, err := range t.Imap(ctx, p, in, opts...) {
		if err != nil {
			return acc, err
		}
		next, err := fold(acc, result)
		if err != nil {
			return acc, err
		}
		acc = next
	}
	return acc, nil
}
