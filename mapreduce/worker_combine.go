package mapreduce

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"mrrun/transport"
)

// openMap rebuilds the job from its parameters in a worker, and returns the function that maps its
// chunks.
func (j *Job[J, In, K, V]) openMap(params []byte) (runner, error) {
	in := transport.NewDecoder(bytes.Clone(params))
	var job J
	if err := j.params.Decode(in, &job); err != nil {
		return nil, fmt.Errorf("decode the parameters: %w", err)
	}
	partitions, err := in.Uint()
	if err != nil {
		return nil, fmt.Errorf("decode the number of partitions: %w", err)
	}
	return func(r *chunkRun) error { return j.mapChunk(r, job, int(partitions)) }, nil
}

// mapChunk maps the pieces of a chunk, combines the values that they emit, and answers with the
// pairs of each partition.
func (j *Job[J, In, K, V]) mapChunk(r *chunkRun, job J, partitions int) error {
	shuffled := newShuffle(&j.pairs, partitions)
	emit, flush := combining(job, shuffled)
	fail := func(i int, err error) {
		_ = r.out.WriteByte(itemFailed)
		r.out.Uint(uint64(i))
		encodeFailure(r.out, err)
	}
	for i := range int(r.items) {
		r.begin(i)
		var piece In
		failed := j.in.Decode(r.in, &piece)
		if failed == nil {
			failed = mapPiece(r, i, job, piece, emit)
		} else {
			failed = fmt.Errorf("decode the input: %w", failed)
			if transport.OfItem(failed) == nil {
				return failed
			}
		}
		if failed = cmp.Or(failed, shuffled.failed); failed != nil {
			fail(i, failed)
			return nil
		}
	}
	if failed := safely(flush); failed != nil {
		fail(int(r.items), failed)
		return nil
	}
	_ = r.out.WriteByte(itemOK)
	shuffled.write(r.out)
	return nil
}

func mapPiece[J Mapper[In, K, V], In any, K comparable, V any](r *chunkRun, i int, job J, piece In, emit func(K, V)) error {
	ctx, cancel := r.item(i)
	defer cancel()
	return safely(func() error { return timedOut(ctx, job.Map(ctx, piece, emit)) })
}

// combining returns an emit that merges the values of each key, if the job can combine them, and a
// flush that passes the merged pairs to the shuffle.
func combining[K comparable, V any](job any, to *shuffle[K, V]) (emit func(K, V), flush func() error) {
	combiner, ok := job.(Combiner[V])
	if !ok {
		return to.add, func() error { return nil }
	}
	var merged []pair[K, V] // in the order in which the keys first came
	places := make(map[K]int)
	return func(k K, v V) {
			if at, ok := places[k]; ok {
				merged[at].value = combiner.Combine(merged[at].value, v)
				return
			}
			places[k] = len(merged)
			merged = append(merged, pair[K, V]{k, v})
		}, func() error {
			for _, p := range merged {
				to.add(p.key, p.value)
			}
			return to.failed
		}
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

// A partition holds everything that was emitted for the keys of one partition, and the parameters
// needed to reduce it.
type partition struct {
	Params []byte
	Runs   [][]byte // encoded pairs, one run for each chunk, in input order
}

// reducePartition is the task that reduces one partition; it returns encoded pairs.
func (j *Job[J, In, K, V]) reducePartition(_ context.Context, p partition) ([]byte, error) {
	var job J
	if err := j.params.Decode(transport.NewDecoder(p.Params), &job); err != nil {
		return nil, fmt.Errorf("decode the parameters: %w", err)
	}
	groups, err := j.gather(job, p.Runs)
	if err != nil {
		return nil, err
	}
	reducer, reduces := any(job).(Reducer[K, V])
	out := transport.NewEncoder(nil)
	for _, g := range groups {
		v := g.values[0]
		if reduces {
			v = reducer.Reduce(g.key, slices.Values(g.values))
		}
		_, _ = out.Write(g.encoded)
		if err := j.pairs.value.Encode(out, &v); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// A group holds a key and all its values, or their combination.
type group[K comparable, V any] struct {
	key     K
	encoded []byte
	values  []V
}

// gather groups the pairs of all runs by key, and combines the values of each key into one if the
// job can.
func (j *Job[J, In, K, V]) gather(job any, runs [][]byte) ([]*group[K, V], error) {
	combiner, combines := job.(Combiner[V])
	var groups []*group[K, V]
	byKey := make(map[K]*group[K, V])
	for _, pairs := range runs {
		err := j.pairs.each(pairs, func(k K, encoded []byte, v V) {
			g := byKey[k]
			switch {
			case g == nil:
				g = &group[K, V]{k, encoded, []V{v}}
				groups = append(groups, g)
				byKey[k] = g
			case combines:
				g.values[0] = combiner.Combine(g.values[0], v)
			default:
				g.values = append(g.values, v)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return groups, nil
}
