package mapreduce

import (
	"context"
	"unsafe"

	"mrrun/internal/shuffle"
)

// sumsEmitter returns the emitter of a chunk for the fast path of the engine.
func (s *mapStep[J, In, K, V]) sumsEmitter(w *shuffle.Writer) emitter[K, V] {
	if s.sums == nil {
		s.sums = shuffle.NewSums(s.seed, s.pairs.numbers.merge, w)
	}
	sums, bits := s.sums, s.pairs.numbers.bits
	e := emitter[K, V]{
		emit:    func(k K, v V) { sums.Add(*(*string)(unsafe.Pointer(&k)), bits(v)) },
		flush:   func() error { sums.Flush(); return nil },
		failure: func() error { return nil },
	}
	if s.pairs.numbers.whole {
		e.emit = func(k K, v V) { sums.Add(*(*string)(unsafe.Pointer(&k)), *(*uint64)(unsafe.Pointer(&v))) }
	}
	return e
}

// mergeSums reduces a partition on the fast path of the engine.
func (s *reduceStep[J, In, K, V]) mergeSums(ctx context.Context, records *recordSet, to *shuffle.Writer) (keys int, err error) {
	if s.merger == nil {
		s.merger = shuffle.NewMerger(s.seed, s.pairs.numbers.merge)
	}
	for block, err := range records.blocks(ctx) {
		if err == nil {
			err = s.merger.Add(block)
		}
		if err != nil {
			s.merger.Discard()
			return 0, err
		}
	}
	return s.merger.Write(to), nil
}
