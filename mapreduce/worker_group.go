package mapreduce

import (
	"bytes"
	"context"
	"iter"

	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// groupInMemory is how many bytes of records are grouped by key in memory. The records of a larger
// partition are first sorted into buckets of whole keys, each of about this size at most or with
// one key only.
var groupInMemory int64 = 16 << 20

// A grouping calls Reduce for each key of a partition, with all its values.
type grouping[K comparable, V any] struct {
	codec  *pairCodec[K, V]
	reduce func(K, iter.Seq[V]) V
	out    *resultWriter[K, V]
}

// all reduces all keys of set. Buckets are written to the store of the records, which goes with the
// step.
func (g *grouping[K, V]) all(ctx context.Context, r *chunkRun, s *store, set *recordSet) error {
	to := s.write(r)
	limit := groupInMemory
	if s.limits.group > 0 {
		limit = int64(s.limits.group)
	}
	if set.size <= limit || s.inside != nil {
		return g.inMemory(ctx, set)
	}
	buckets, err := g.buckets(ctx, to, set, limit)
	if err != nil {
		return err
	}
	for i := range buckets {
		b := &buckets[i]
		if b.single {
			err = g.streamed(ctx, &b.recordSet)
		} else {
			err = g.inMemory(ctx, &b.recordSet)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A valueRef says where an encoded value is: in which block, from which byte on.
type valueRef struct{ block, at int }

// inMemory groups records that fit in memory.
func (g *grouping[K, V]) inMemory(ctx context.Context, set *recordSet) error {
	type group struct {
		key     K
		encoded []byte
		values  []valueRef
	}
	var groups []*group
	var blocks [][]byte
	byKey := make(map[K]*group)
	for block, err := range set.blocks(ctx) {
		if err != nil {
			return err
		}
		block = bytes.Clone(block)
		blocks = append(blocks, block)
		at := 0
		err := g.codec.each(block, func(k K, _ V, key, pair []byte) {
			of, ok := byKey[k]
			if !ok {
				of = &group{key: k, encoded: key}
				groups = append(groups, of)
				byKey[k] = of
			}
			of.values = append(of.values, valueRef{len(blocks) - 1, at + len(key)})
			at += len(pair)
		})
		if err != nil {
			return err
		}
	}
	in := transport.NewDecoder(nil)
	for _, of := range groups {
		var failed error
		v := g.reduce(of.key, func(yield func(V) bool) {
			for _, ref := range of.values {
				var v V
				in.Reset(blocks[ref.block][ref.at:])
				if failed = g.codec.value.Decode(in, &v); failed != nil || !yield(v) {
					return
				}
			}
		})
		if failed != nil {
			return failed
		}
		if err := g.out.write(of.encoded, v); err != nil {
			return err
		}
	}
	return nil
}

// streamed reduces records of a single key, which need not fit in memory.
func (g *grouping[K, V]) streamed(ctx context.Context, set *recordSet) error {
	var key K
	var encoded []byte
	for block, err := range set.blocks(ctx) {
		if err != nil {
			return err
		}
		in := transport.NewDecoder(block)
		if err := g.codec.key.Decode(in, &key); err != nil {
			return err
		}
		encoded = bytes.Clone(block[:len(block)-len(in.Rest())])
		break
	}
	var failed error
	v := g.reduce(key, func(yield func(V) bool) {
		for block, err := range set.blocks(ctx) {
			if failed = err; failed != nil {
				return
			}
			for in := transport.NewDecoder(block); len(in.Rest()) > 0; {
				var k K
				var v V
				if failed = g.codec.key.Decode(in, &k); failed == nil {
					failed = g.codec.value.Decode(in, &v)
				}
				if failed != nil || !yield(v) {
					return
				}
			}
		}
	})
	if failed != nil {
		return failed
	}
	return g.out.write(encoded, v)
}

// A bucket holds the records of some keys of a partition.
type bucket struct {
	recordSet
	single bool // they all have the same key
}

// buckets sorts the records of a partition into buckets. Each key is in one of them, with its
// records in their order.
func (g *grouping[K, V]) buckets(ctx context.Context, to *shuffle.Writer, set *recordSet, limit int64) ([]bucket, error) {
	sizes := make(map[K]int64) // NaN, which is not equal to itself, is never found in it again
	for block, err := range set.blocks(ctx) {
		if err == nil {
			err = g.codec.each(block, func(k K, _ V, _, pair []byte) { sizes[k] += int64(len(pair)) })
		}
		if err != nil {
			return nil, err
		}
	}
	limit = max(limit, set.size/(shuffle.Partitions/4))
	buckets := make([]bucket, 1) // the first holds keys that are not equal to themselves
	places := make(map[K]int)
	shared := 0 // the bucket that takes small keys, if it is not 0
	for k, size := range sizes {
		switch {
		case k != k:
			continue
		case size > limit:
			places[k] = len(buckets)
			buckets = append(buckets, bucket{single: true})
			continue
		case shared == 0 || buckets[shared].size+size > limit:
			shared = len(buckets)
			buckets = append(buckets, bucket{})
		}
		places[k] = shared
		buckets[shared].size += size
	}
	for block, err := range set.blocks(ctx) {
		if err == nil {
			err = g.codec.each(block, func(k K, _ V, _, pair []byte) { to.Append(places[k], pair, nil) })
		}
		if err != nil {
			to.Discard()
			return nil, err
		}
	}
	parts, err := to.Commit()
	for _, p := range parts {
		b := &buckets[p.Partition]
		b.files, b.extents = set.files, append(b.extents, p.Extent)
	}
	return buckets, err
}
