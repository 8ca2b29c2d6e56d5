package mapreduce

import (
	"unsafe"

	"mrrun/transport"
)

// A pairCodec writes and reads pairs of key and value, one after the other.
type pairCodec[K comparable, V any] struct {
	key   *transport.Codec[K]
	value *transport.Codec[V]
	hash  keyHash
	exact bool // keys arrive as they left
}

// each calls f for each pair, with the key as it came, too: encoded again, it might arrive as another one.
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

// A shuffle sorts pairs into partitions by their keys, so that keys that are equal when they have arrived meet in one.
type shuffle[K comparable, V any] struct {
	codec      *pairCodec[K, V]
	partitions []*transport.Encoder
	scratch    *transport.Encoder
	arrival    *transport.Decoder
	failed     error // about the first pair that cannot be sent; then no others are taken
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

// write appends all partitions, in order.
func (s *shuffle[K, V]) write(out *transport.Encoder) {
	for _, p := range s.partitions {
		out.Blob(p.Bytes())
	}
}
