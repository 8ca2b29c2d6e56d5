package mapreduce

import "mrrun/transport"

// A pairCodec writes and reads pairs of key and value, one after the other.
type pairCodec[K comparable, V any] struct {
	key   *transport.Codec[K]
	value *transport.Codec[V]
}

func (c *pairCodec[K, V]) encode(out *transport.Encoder, k *K, v *V) error {
	if err := c.key.Encode(out, k); err != nil {
		return err
	}
	return c.value.Encode(out, v)
}

// each calls f for each pair.
func (c *pairCodec[K, V]) each(pairs []byte, f func(K, V)) error {
	for in := transport.NewDecoder(pairs); len(in.Rest()) > 0; {
		var k K
		var v V
		if err := c.key.Decode(in, &k); err != nil {
			return err
		}
		if err := c.value.Decode(in, &v); err != nil {
			return err
		}
		f(k, v)
	}
	return nil
}

// A shuffle sorts pairs into partitions by their keys, so that equal keys meet in one.
type shuffle[K comparable, V any] struct {
	codec      *pairCodec[K, V]
	partitions []*transport.Encoder
	scratch    *transport.Encoder
}

func newShuffle[K comparable, V any](codec *pairCodec[K, V], partitions int) *shuffle[K, V] {
	s := &shuffle[K, V]{codec: codec, scratch: transport.NewEncoder(nil)}
	for range partitions {
		s.partitions = append(s.partitions, transport.NewEncoder(nil))
	}
	return s
}

func (s *shuffle[K, V]) add(k K, v V) error {
	s.scratch.Truncate(0)
	if err := s.codec.key.Encode(s.scratch, &k); err != nil {
		return err
	}
	key := s.scratch.Bytes()
	out := s.partitions[hashKey(key)%uint64(len(s.partitions))]
	_, _ = out.Write(key)
	return s.codec.value.Encode(out, &v)
}

// write appends all partitions, in order.
func (s *shuffle[K, V]) write(out *transport.Encoder) {
	for _, p := range s.partitions {
		out.Blob(p.Bytes())
	}
}

// hashKey is FNV-1a with a final mix. It must be the same in every process, so hash/maphash will not do.
func hashKey(key []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range key {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15 >> 20
}
