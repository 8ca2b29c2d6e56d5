package mapreduce

import (
	"cmp"
	"reflect"
	"unsafe"

	"mrrun/internal/shuffle"
)

// A Number is a value that [Sum] can add.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

// Sum, embedded in a job's struct, combines the values of each key by adding them. Like [Min] and
// [Max] it stands for a Combine and is much faster where the keys are strings and the values are
// numbers; a Combine of the job's own goes before it. Sums of integers wrap around. Those of
// floating-point numbers depend on the order of addition, which differs from run to run.
type Sum[V Number] struct{}

// Min, embedded in a job's struct, keeps the smallest value of each key, by the built-in function
// min. See [Sum].
type Min[V cmp.Ordered] struct{}

// Max, embedded in a job's struct, keeps the largest value of each key, by the built-in function
// max. See [Sum].
type Max[V cmp.Ordered] struct{}

// Count, embedded in a job's struct, adds the counts that its Map emits: it is a [Sum].
type Count = Sum[int64]

// A readyCombiner is a Sum, a Min or a Max.
type readyCombiner[V any] interface {
	combineReady(a, b V) V
	merges() merges
}

// merges are the ways in which the values of each kind of number are merged.
type merges struct{ signed, unsigned, float shuffle.Merge }

func (Sum[V]) combineReady(a, b V) V { return a + b }
func (Min[V]) combineReady(a, b V) V { return min(a, b) }
func (Max[V]) combineReady(a, b V) V { return max(a, b) }

func (Sum[V]) merges() merges { return merges{shuffle.Sum, shuffle.Sum, shuffle.SumFloat} }
func (Min[V]) merges() merges { return merges{shuffle.Min, shuffle.MinUnsigned, shuffle.MinFloat} }
func (Max[V]) merges() merges { return merges{shuffle.Max, shuffle.MaxUnsigned, shuffle.MaxFloat} }

// combinerOf returns the function with which a job combines values; nil if it has none.
func combinerOf[V any](job any) func(a, b V) V {
	if c, ok := job.(Combiner[V]); ok {
		return c.Combine
	}
	if c, ok := job.(readyCombiner[V]); ok {
		return c.combineReady
	}
	return nil
}

// A numberCodec turns values into 64 bits for the engine's fast path, and back.
type numberCodec[V any] struct {
	merge shuffle.Merge
	whole bool // a V is the 64 bits
	bits  func(V) uint64
	value func(uint64) V
}

// numbersOf returns the codec of a job that can take the fast path: its keys are strings, and its
// values are numbers that a ready combiner merges. For others it returns nil.
func numbersOf[K comparable, V any](job any) *numberCodec[V] {
	ready, ok := job.(readyCombiner[V])
	_, combines := job.(Combiner[V])
	_, reduces := job.(Reducer[K, V])
	key, value := reflect.TypeFor[K](), reflect.TypeFor[V]()
	if !ok || combines || reduces || key.Kind() != reflect.String || !arrivesExact(key) || !arrivesExact(value) {
		return nil
	}
	m := ready.merges()
	switch value.Kind() {
	case reflect.Int, reflect.Int64:
		return numbers64[V](m.signed, value)
	case reflect.Int8:
		return converted[V, int8](m.signed)
	case reflect.Int16:
		return converted[V, int16](m.signed)
	case reflect.Int32:
		return converted[V, int32](m.signed)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return numbers64[V](m.unsigned, value)
	case reflect.Uint8:
		return converted[V, uint8](m.unsigned)
	case reflect.Uint16:
		return converted[V, uint16](m.unsigned)
	case reflect.Uint32:
		return converted[V, uint32](m.unsigned)
	case reflect.Float64:
		return numbers64[V](m.float, value)
	}
	return nil // a float32 is added with the rounding of its type
}

// numbers64 is for a V of 64 bits; of others, on a system of 32 bits, nothing becomes of it.
func numbers64[V any](m shuffle.Merge, t reflect.Type) *numberCodec[V] {
	if t.Size() != 8 {
		return nil
	}
	return &numberCodec[V]{m, true,
		func(v V) uint64 { return *(*uint64)(unsafe.Pointer(&v)) },
		func(n uint64) V { return *(*V)(unsafe.Pointer(&n)) }}
}

// converted is for a V that is an N.
func converted[V any, N int8 | int16 | int32 | uint8 | uint16 | uint32](m shuffle.Merge) *numberCodec[V] {
	return &numberCodec[V]{m, false,
		func(v V) uint64 { return uint64(*(*N)(unsafe.Pointer(&v))) },
		func(n uint64) V { of := N(n); return *(*V)(unsafe.Pointer(&of)) }}
}
