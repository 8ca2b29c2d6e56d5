package mapreduce

import (
	"reflect"
	"strings"
	"unsafe"

	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// A pairCodec encodes and decodes pairs of a key and a value.
type pairCodec[K comparable, V any] struct {
	key   *transport.Codec[K]
	value *transport.Codec[V]
	hash  keyHash
	exact bool // keys arrive exactly as they were sent: see arrivesExact
	text  bool // keys are of a string type

	numbers *numberCodec[V] // of a job that takes the engine's fast path, else nil
}

// partition returns the partition of a key that has arrived.
func (c *pairCodec[K, V]) partition(seed shuffle.Seed, k *K) int {
	if c.numbers != nil {
		return shuffle.PartitionOf(shuffle.Hash(seed, *(*string)(unsafe.Pointer(k))))
	}
	return shuffle.PartitionOf(c.hash(seed, seed[0], unsafe.Pointer(k)))
}

// eachResult calls f for each key and its result in a block, with the encoded pair. A key may lie
// in the block.
func (c *pairCodec[K, V]) eachResult(block []byte, f func(k K, v V, pair []byte)) error {
	if c.numbers == nil {
		return c.each(block, func(k K, v V, _, pair []byte) { f(k, v, pair) })
	}
	value := c.numbers.value
	return shuffle.Each(block, func(key []byte, v uint64, record []byte) {
		text := Borrowed(key)
		f(*(*K)(unsafe.Pointer(&text)), value(v), record)
	})
}

// each calls f for each pair of a block, with the encoded key as well, since a key that is encoded
// again might arrive as a different one, and the encoded pair.
func (c *pairCodec[K, V]) each(pairs []byte, f func(k K, v V, key, pair []byte)) error {
	for in := transport.NewDecoder(pairs); len(in.Rest()) > 0; {
		var k K
		var v V
		from := in.Rest()
		if err := c.key.Decode(in, &k); err != nil {
			return err
		}
		key := from[:len(from)-len(in.Rest())]
		if err := c.value.Decode(in, &v); err != nil {
			return err
		}
		f(k, v, key, from[:len(from)-len(in.Rest())])
	}
	return nil
}

// own returns a key that lies in memory of its own: a key of a string type may lie in a buffer that
// is used again.
func (c *pairCodec[K, V]) own(k K) K {
	if c.text {
		s := (*string)(unsafe.Pointer(&k))
		*s = strings.Clone(*s)
	}
	return k
}

// arrive returns the key that arrives when k is sent.
func (c *pairCodec[K, V]) arrive(k K) (K, error) {
	if c.exact {
		return k, nil
	}
	out := transport.NewEncoder(nil)
	if err := c.key.Encode(out, &k); err != nil {
		return k, err
	}
	var arrived K
	err := c.key.Decode(transport.NewDecoder(out.Bytes()), &arrived)
	return arrived, err
}

// arrivesExact reports whether every key of type t arrives exactly as it was sent. Keys of other
// types arrive as their methods encode them, or without the fields that their tags omit.
func arrivesExact(t reflect.Type) bool {
	if reflect.PointerTo(t).NumMethod() > 0 { // includes the methods of t
		return false
	}
	switch t.Kind() {
	case reflect.Array:
		return arrivesExact(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if strings.Contains(f.Tag.Get("msgpack"), "-") || !arrivesExact(f.Type) {
				return false
			}
		}
	}
	return true
}
