package mapreduce

import (
	"mrrun/internal/shuffle"
	"mrrun/transport"
)

// A pairWriter encodes pairs and writes them to the partitions of their keys, such that keys that
// are equal on arrival are in the same partition.
type pairWriter[K comparable, V any] struct {
	codec   *pairCodec[K, V]
	seed    shuffle.Seed
	to      *shuffle.Writer
	encoder *transport.Encoder
	arrival *transport.Decoder
	failed  error // error of the first pair that cannot be sent; later pairs are dropped

	pairs, bytes uint64 // that were written
}

func (w *pairWriter[K, V]) failure() error { return w.failed }

func (w *pairWriter[K, V]) add(k K, v V) {
	if w.failed == nil {
		w.failed = w.write(k, v)
	}
}

func (w *pairWriter[K, V]) write(k K, v V) error {
	w.encoder.Truncate(0)
	if err := w.codec.key.Encode(w.encoder, &k); err != nil {
		return err
	}
	if !w.codec.exact {
		w.arrival.Reset(w.encoder.Bytes())
		k = *new(K)
		if err := w.codec.key.Decode(w.arrival, &k); err != nil {
			return err
		}
	}
	if err := w.codec.value.Encode(w.encoder, &v); err != nil {
		return err
	}
	w.pairs++
	w.bytes += uint64(w.encoder.Len())
	w.to.Append(w.codec.partition(w.seed, &k), w.encoder.Bytes(), nil)
	return nil
}
