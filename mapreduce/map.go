package mapreduce

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// Map computes the task for each of args in the pool's workers and returns the results in the order
// of args. It blocks until all results are available.
//
// If items fail, the others are still computed, and the error is a [TaskErrors] that holds each
// failure; the results of failed items are zero. Any other error ends the call early, and no
// results are returned: the cause of ctx or of the pool's context when that ends, a
// [WorkerLostError], or the error of an argument that cannot be encoded. The caller must not change
// args while Map runs.
func (t *Task[A, R]) Map(ctx context.Context, p *Pool, args []A, opts ...CallOption) ([]R, error) {
	o, err := p.callOptions(t.entryOf(), opts)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	defer p.gate.leave()
	return t.mapInside(ctx, p, args, o)
}

// mapInside is Map within a verb that has called enter.
func (t *Task[A, R]) mapInside(ctx context.Context, p *Pool, args []A, o callOptions) ([]R, error) {
	m := newMapItems(t, args, o)
	if err := p.supervisor.run(ctx, newCall(t.entry, nil, m, len(args), o)); err != nil {
		return nil, err
	}
	return m.results, m.failures()
}

// mapItems holds arguments and results that are all in memory.
type mapItems[A, R any] struct {
	task        *Task[A, R]
	args        []A
	results     []R
	stopAtFirst bool

	mu     sync.Mutex
	failed TaskErrors
}

func newMapItems[A, R any](t *Task[A, R], args []A, o callOptions) *mapItems[A, R] {
	return &mapItems[A, R]{task: t, args: args, results: make([]R, len(args)), stopAtFirst: o.stopAtFirst}
}

func (m *mapItems[A, R]) encode(out *transport.Encoder, s schedule.Span) error {
	for i := s.First; i < s.End; i++ {
		if err := m.task.arg.Encode(out, &m.args[i]); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func (m *mapItems[A, R]) keep(cargo *transport.Cargo) {
	for i := range m.args {
		m.task.arg.Keep(cargo, &m.args[i])
	}
}

func (m *mapItems[A, R]) key(item int) string { return showPlain(m.args[item]) }

func (m *mapItems[A, R]) place(in *transport.Decoder, s schedule.Span) (failed TaskErrors, err error) {
	for i := s.First; i < s.End; i++ {
		failure, err := m.task.takeResult(in, &m.results[i])
		if err != nil {
			return failed, fmt.Errorf("item %d: %w", i, err)
		}
		if failure != nil {
			failure.Index = i
			failed = append(failed, failure)
			if err := m.lose(failure); err != nil {
				return failed, err
			}
		}
	}
	return failed, nil
}

func (m *mapItems[A, R]) lose(failure *TaskError) error {
	failure.Input = m.args[failure.Index]
	orphan(m.task.arg, &m.args[failure.Index])
	if m.stopAtFirst {
		return failure
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = append(m.failed, failure)
	return nil
}

// failures returns the failed items, by index; nil if there are none.
func (m *mapItems[A, R]) failures() error {
	if len(m.failed) == 0 {
		return nil
	}
	slices.SortFunc(m.failed, func(a, b *TaskError) int { return a.Index - b.Index })
	return m.failed
}

// takeResult decodes one item of an answer: a result, or the failure of the task or of a method
// that decodes the result.
func (t *Task[A, R]) takeResult(in *transport.Decoder, result *R) (*TaskError, error) {
	state, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	if state != itemOK {
		return decodeFailure(in)
	}
	err = t.result.Decode(in, result)
	if err == nil {
		return nil, nil
	}
	failed := transport.OfItem(err)
	if failed == nil {
		return nil, err
	}
	*result = *new(R)
	return newTaskError(fmt.Errorf("decode the result: %w", failed)), nil
}
