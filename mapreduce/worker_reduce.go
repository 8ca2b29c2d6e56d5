package mapreduce

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// A reduceStep is what a worker keeps for the reduce step of a run.
type reduceStep[J Mapper[In, K, V], In any, K comparable, V any] struct {
	*Job[J, In, K, V]
	job     J
	seed    shuffle.Seed
	records store
	results store
	merger  *shuffle.Merger // nil: the job does not take the fast path, or not yet
}

// openReduce rebuilds the job from its parameters in a worker, and returns the function that
// reduces its partitions.
func (j *Job[J, In, K, V]) openReduce(params []byte) (runner, error) {
	job, head, err := j.open(params)
	if err != nil {
		return nil, err
	}
	s := &reduceStep[J, In, K, V]{Job: j, job: job, seed: head.seed,
		records: store{places: head.records, limits: head.limits}, results: store{places: head.results, limits: head.limits}}
	return s.reduceChunk, nil
}

// reduceChunk reduces partitions: the items of the step. The answer to each is how many keys there
// are and where their results are stored.
func (s *reduceStep[J, In, K, V]) reduceChunk(r *chunkRun) error {
	to := s.results.write(r)
	for i := range int(r.items) {
		r.begin(i)
		records, err := s.records.decodeRecords(r)
		if err != nil {
			return err
		}
		start := r.out.Len()
		_ = r.out.WriteByte(itemOK)
		ctx, cancel := r.item(i)
		err = safely(func() error {
			keys, err := s.reduce(ctx, r, records, to)
			r.out.Uint(uint64(keys))
			return timedOut(ctx, err)
		})
		cancel()
		if err == nil {
			err = s.results.commit(r)
		}
		if err != nil {
			s.results.discard()
			r.failItem(start, err)
		}
	}
	return nil
}

// reduce reduces the keys of a partition and writes their results.
func (s *reduceStep[J, In, K, V]) reduce(ctx context.Context, r *chunkRun, records *recordSet, to *shuffle.Writer) (keys int, err error) {
	if s.pairs.numbers != nil {
		return s.mergeSums(ctx, records, to)
	}
	out := &resultWriter[K, V]{codec: &s.pairs, to: to, encoder: transport.NewEncoder(nil)}
	reducer, reduces := any(s.job).(Reducer[K, V])
	combine := combinerOf[V](s.job)
	if combine == nil {
		g := &grouping[K, V]{codec: &s.pairs, reduce: reducer.Reduce, out: out}
		err := g.all(ctx, r, &s.records, records)
		return out.keys, err
	}
	groups, err := s.combine(ctx, combine, records)
	if err != nil {
		return 0, err
	}
	for i := range groups {
		g := &groups[i]
		if reduces {
			g.value = reducer.Reduce(g.key, func(yield func(V) bool) { yield(g.value) })
		}
		if err := out.write(g.encoded, g.value); err != nil {
			return 0, err
		}
	}
	return len(groups), nil
}

// A combined holds a key and the combination of all its values.
type combined[K comparable, V any] struct {
	key     K
	encoded []byte
	value   V
}

// combine merges the values of each key of a partition. The first of equal keys is kept.
func (s *reduceStep[J, In, K, V]) combine(ctx context.Context, combine func(a, b V) V, records *recordSet) ([]combined[K, V], error) {
	var groups []combined[K, V]
	byKey := make(map[K]int)
	for block, err := range records.blocks(ctx) {
		if err != nil {
			return nil, err
		}
		err := s.pairs.each(block, func(k K, v V, key, _ []byte) {
			if at, ok := byKey[k]; ok {
				groups[at].value = combine(groups[at].value, v)
				return
			}
			byKey[k] = len(groups)
			groups = append(groups, combined[K, V]{k, bytes.Clone(key), v})
		})
		if err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// A resultWriter writes the results of keys.
type resultWriter[K comparable, V any] struct {
	codec   *pairCodec[K, V]
	to      *shuffle.Writer
	encoder *transport.Encoder
	keys    int
}

func (w *resultWriter[K, V]) write(key []byte, v V) error {
	w.encoder.Truncate(0)
	if err := w.codec.value.Encode(w.encoder, &v); err != nil {
		return err
	}
	w.to.Append(0, key, w.encoder.Bytes())
	w.keys++
	return nil
}

// A recordSet is what was emitted for the keys of some partitions.
type recordSet struct {
	files   shuffle.Files
	extents []shuffle.Extent // in the order of the input
	inside  []byte           // the records themselves, if they came in the message
	size    int64
}

// decodeRecords reads what the driver has sent of a partition, and opens the files where it is.
func (s *store) decodeRecords(r *chunkRun) (*recordSet, error) {
	n, err := r.in.Uint()
	if err != nil {
		return nil, err
	}
	set := &recordSet{}
	for range n {
		e, err := decodeExtent(r.in)
		if err != nil {
			return nil, err
		}
		if e.File >= len(s.places) {
			return nil, fmt.Errorf("records in file %d of %d", e.File, len(s.places))
		}
		if err := s.open(r.call, e.File); err != nil {
			return nil, err
		}
		set.extents = append(set.extents, e)
		set.size += int64(e.Length)
	}
	set.files = s.files
	inside, err := r.in.Blob()
	set.inside = inside
	set.size += int64(len(inside))
	return set, err
}

// blocks yields the records block by block. A block is valid until the next one. It stops with the
// cause of ctx when that ends.
func (set *recordSet) blocks(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if len(set.inside) > 0 && !yield(shuffle.WithSlack(set.inside), nil) {
			return
		}
		var buf []byte
		for _, e := range set.extents {
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			var err error
			if buf, err = set.files.Read(e, buf); !yield(buf, err) || err != nil {
				return
			}
		}
	}
}
