package mapreduce

import (
	"bytes"
	"cmp"
	"fmt"

	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// A mapStep is what a worker keeps for the map step of a run.
type mapStep[J Mapper[In, K, V], In any, K comparable, V any] struct {
	*Job[J, In, K, V]
	job   J
	seed  shuffle.Seed
	store store
	sums  *shuffle.Sums // nil: the job does not take the fast path, or not yet
}

// openMap rebuilds the job from its parameters in a worker, and returns the function that maps its
// chunks.
func (j *Job[J, In, K, V]) openMap(params []byte) (runner, error) {
	job, head, err := j.open(params)
	if err != nil {
		return nil, err
	}
	s := &mapStep[J, In, K, V]{Job: j, job: job, seed: head.seed, store: store{places: head.records, limits: head.limits}}
	return s.mapChunk, nil
}

// open decodes the parameters of a job and what there is to know about its storage.
func (j *Job[J, In, K, V]) open(params []byte) (job J, head shuffleHead, err error) {
	in := transport.NewDecoder(bytes.Clone(params))
	if err := j.params.Decode(in, &job); err != nil {
		return job, head, fmt.Errorf("decode the parameters: %w", err)
	}
	if err := head.decode(in); err != nil {
		return job, head, fmt.Errorf("decode the place of the job's storage: %w", err)
	}
	return job, head, nil
}

// mapChunk maps the pieces of a chunk, combines the values that they emit, and answers with where
// the records are stored.
func (s *mapStep[J, In, K, V]) mapChunk(r *chunkRun) error {
	e := s.emitter(s.store.write(r))
	fail := func(i int, err error) {
		s.discard()
		_ = r.out.WriteByte(itemFailed)
		r.out.Uint(uint64(i))
		encodeFailure(r.out, err)
	}
	for i := range int(r.items) {
		r.begin(i)
		r.coding.mark(i)
		var piece In
		failed := s.in.Decode(r.in, &piece)
		r.coding.mark(i)
		if failed == nil {
			failed = mapPiece(r, i, s.job, piece, e.emit)
		} else {
			failed = fmt.Errorf("decode the input: %w", failed)
			if transport.OfItem(failed) == nil {
				s.discard()
				return failed
			}
		}
		if failed = cmp.Or(failed, e.failure()); failed != nil {
			fail(i, failed)
			return nil
		}
	}
	r.coding.mark(0)
	if failed := safely(e.flush); failed != nil {
		of := 0
		if r.items > 1 { // they may all have emitted what failed
			of = int(r.items)
		}
		fail(of, failed)
		return nil
	}
	start := r.out.Len()
	_ = r.out.WriteByte(itemOK)
	if failed := s.store.commit(r); failed != nil {
		r.out.Truncate(start)
		fail(int(r.items), failed)
	}
	r.coding.mark(0)
	return nil
}

// discard forgets what the maps of a chunk that failed have emitted.
func (s *mapStep[J, In, K, V]) discard() {
	s.store.discard()
	if s.sums != nil {
		s.sums.Discard()
	}
}

func mapPiece[J Mapper[In, K, V], In any, K comparable, V any](r *chunkRun, i int, job J, piece In, emit func(K, V)) error {
	ctx, cancel := r.item(i)
	defer cancel()
	return safely(func() error { return timedOut(ctx, job.Map(ctx, piece, emit)) })
}

// An emitter takes what the maps of one chunk emit.
type emitter[K comparable, V any] struct {
	emit    func(K, V)
	flush   func() error // writes what it still holds
	failure func() error // of the first pair that could not be written; later pairs are dropped
}

// emitter returns the emitter of a chunk, which merges the values of each key if the job can
// combine them.
func (s *mapStep[J, In, K, V]) emitter(w *shuffle.Writer) emitter[K, V] {
	if s.pairs.numbers != nil {
		return s.sumsEmitter(w)
	}
	to := &pairWriter[K, V]{codec: &s.pairs, seed: s.seed, to: w, encoder: transport.NewEncoder(nil), arrival: transport.NewDecoder(nil)}
	combine := combinerOf[V](s.job)
	if combine == nil {
		return emitter[K, V]{to.add, to.failure, to.failure}
	}
	c := &combining[K, V]{to: to, combine: combine, places: make(map[K]int), room: s.store.limits.group}
	return emitter[K, V]{c.add, c.flush, to.failure}
}

// A chunk holds as many keys before it writes them as fit in its memory, but no more than
// maxCombined. Under a memory budget it looks at the first fewCombined to see how large they are.
const (
	maxCombined = 1 << 18
	fewCombined = 1 << 8
)

// combining merges the values of each key before they are written.
type combining[K comparable, V any] struct {
	to      *pairWriter[K, V]
	combine func(a, b V) V
	merged  []pair[K, V] // in the order in which the keys first came
	places  map[K]int
	room    uint64 // bytes of encoded pairs that may be held; 0: any number
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func (c *combining[K, V]) add(k K, v V) {
	if at, ok := c.places[k]; ok {
		c.merged[at].value = c.combine(c.merged[at].value, v)
		return
	}
	if len(c.merged) >= c.most() {
		_ = c.flush()
	}
	k = c.to.codec.own(k)
	c.places[k] = len(c.merged)
	c.merged = append(c.merged, pair[K, V]{k, v})
}

// most returns how many keys may be held.
func (c *combining[K, V]) most() int {
	switch {
	case c.room == 0:
		return maxCombined
	case c.to.pairs == 0:
		return fewCombined
	}
	return int(min(max(c.room*c.to.pairs/c.to.bytes, 1), maxCombined))
}

func (c *combining[K, V]) flush() error {
	for _, p := range c.merged {
		c.to.add(p.key, p.value)
	}
	clear(c.merged)
	c.merged = c.merged[:0]
	clear(c.places)
	return c.to.failed
}
