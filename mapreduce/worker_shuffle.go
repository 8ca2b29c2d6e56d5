package mapreduce

import (
	"unsafe"

	"mrrun/transport"
)

// A pairCodec encodes and decodes pairs of a key and a value.
type pairCodec[K comparable, V any] struct {
	key   *transport.Codec[K]
	value *transport.Codec[V]
	hash  keyHash
	exact bool // keys arrive exactly as they were sent: see arrivesExact
}

// each calls f for each pair, with the encoded key as well: a key that is encoded again might
// arrive as a different one.
func (c *pairCodec[K, V]) each(pairs []byte, f func(k K, encoded []byte, v V)) error {
	for in := transport.NewDecoder(pairs); len(in.Rest()) > 0; {
		var k K
		var v V
		from := in.Rest()
		if err := c.key.Decode(in, &k); err != nil {
			return err
		}
		encoded := from[:len(from)-len(in.Rest())]
		if err := c.value.Decode(in, &v); err != nil {
			return err
		}
		f(k, encoded, v)
	}
	return nil
}

// A shuffle sorts pairs into partitions by their keys, such that keys that are equal on arrival are
// in the same partition.
type shuffle[K comparable, V any] struct {
	codec      *pairCodec[K, V]
	partitions []*transport.Encoder
	scratch    *transport.Encoder
	arrival    *transport.Decoder
	failed     error // error of the first pair that cannot be sent; later pairs are dropped
}

func newShuffle[K comparable, V any](codec *pairCodec[K, V], partitions int) *shuffle[K, V] {
	s := &shuffle[K, V]{codec: codec, scratch: transport.NewEncoder(nil), arrival: transport.NewDecoder(nil)}
	for range partitions {
		s.partitions = append(s.partitions, transport.NewEncoder(nil))
	}
	return s
}

func (s *shuffle[K, V]) add(k K, v V) {
	if s.failed == nil {
		s.failed = s.encode(k, v)
	}
}

func (s *shuffle[K, V]) encode(k K, v V) error {
	s.scratch.Truncate(0)
	if err := s.codec.key.Encode(s.scratch, &k); err != nil {
		return err
	}
	encoded := s.scratch.Bytes()
	if !s.codec.exact {
		s.arrival.Reset(encoded)
		k = *new(K)
		if err := s.codec.key.Decode(s.arrival, &k); err != nil {
			return err
		}
	}
	out := s.partitions[s.codec.hash(0, unsafe.Pointer(&k))%uint64(len(s.partitions))]
	_, _ = out.Write(encoded)
	return s.codec.value.Encode(out, &v)
}

// write appends all partitions to out, in order.
func (s *shuffle[K, V]) write(out *transport.Encoder) {
	for _, p := range s.partitions {
		out.Blob(p.Bytes())
	}
}
