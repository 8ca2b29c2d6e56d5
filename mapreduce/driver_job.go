package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// reduceAll sends each partition to a worker to be reduced, and gathers the results.
func (j *Job[J, In, K, V]) reduceAll(ctx context.Context, p *Pool, params []byte, m *jobItems[In], o callOptions) (map[K]V, error) {
	parts := make([]partition, len(m.partitions))
	for i, runs := range m.partitions {
		slices.SortFunc(runs, func(a, b run) int { return a.first - b.first })
		parts[i].Params = params
		for _, r := range runs {
			parts[i].Runs = append(parts[i].Runs, r.pairs)
		}
	}
	o.chunksize, o.stopAtFirst = 1, true
	reduced, err := j.reduce.mapInside(ctx, p, parts, o)
	if failed, ok := errors.AsType[*TaskError](err); ok {
		return nil, fmt.Errorf("mapreduce: job %s: reduce: %w", j.name, failed.ofNoItem())
	} else if err != nil {
		return nil, err
	}
	all := make(map[K]V)
	for _, pairs := range reduced {
		var twice error
		err := j.pairs.each(pairs, func(k K, _ []byte, v V) {
			if _, ok := all[k]; ok {
				twice = fmt.Errorf("key %v has two results: it does not decode to the same value in each process", k)
			}
			all[k] = v
		})
		if err != nil {
			err = newTaskError(err).ofNoItem()
		}
		if err := cmp.Or(err, twice); err != nil {
			return nil, fmt.Errorf("mapreduce: job %s: take the results: %w", j.name, err)
		}
	}
	return all, nil
}

// jobItems holds the input of a job and, by partition, what its maps emitted, still encoded.
type jobItems[In any] struct {
	codec *transport.Codec[In]
	in    []In

	mu         sync.Mutex
	partitions [][]run
}

// A run holds the pairs that one chunk emitted for one partition.
type run struct {
	first int // index of the chunk's first item, for the order
	pairs []byte
}

func (m *jobItems[In]) encode(out *transport.Encoder, s schedule.Span) error {
	for i := s.First; i < s.End; i++ {
		if err := m.codec.Encode(out, &m.in[i]); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func (m *jobItems[In]) keep(cargo *transport.Cargo) {
	for i := range m.in {
		m.codec.Keep(cargo, &m.in[i])
	}
}

func (m *jobItems[In]) place(in *transport.Decoder, s schedule.Span) (failed int, err error) {
	rest := slices.Clone(in.Rest()) // the reader reuses its buffer
	in.Reset(rest)
	if state, err := in.ReadByte(); err != nil {
		return 0, err
	} else if state == itemFailed {
		return 1, m.failure(in, s)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.partitions {
		pairs, err := in.Blob()
		if err != nil {
			return 0, err
		}
		if len(pairs) > 0 {
			m.partitions[i] = append(m.partitions[i], run{s.First, pairs})
		}
	}
	return 0, nil
}

func (m *jobItems[In]) failure(in *transport.Decoder, s schedule.Span) error {
	offset, err := in.Uint()
	if err != nil {
		return err
	}
	failed, err := decodeFailure(in)
	if err != nil {
		return err
	}
	if offset > uint64(s.Size()) {
		return errors.New("a failure of an item that was not sent")
	}
	if offset == uint64(s.Size()) { // the values that failed were emitted by several items
		return failed.ofNoItem()
	}
	failed.Index = s.First + int(offset)
	return m.lose(failed)
}

// lose fails the job, which needs all of its items.
func (m *jobItems[In]) lose(failure *TaskError) error {
	failure.Input = m.in[failure.Index]
	return failure
}
