package mapreduce

import (
	"math"
	"reflect"
	"unsafe"

	"mrrun/internal/shuffle"
)

// A keyHash hashes the key at p, whose type it knows, into h. With the same seed, keys that are
// equal (==) have the same hash in every process; hash/maphash has a different seed in each. It
// hashes the value and not its encoding, because equal keys may have several encodings: 0 and -0
// are one key.
type keyHash func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64

func hashOf(t reflect.Type) keyHash {
	switch t.Kind() {
	case reflect.String:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 { return hashString(seed, h, *(*string)(p)) }
	case reflect.Float32:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
			return hashFloat(h, float64(*(*float32)(p)))
		}
	case reflect.Float64:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 { return hashFloat(h, *(*float64)(p)) }
	case reflect.Complex64:
		return hashOf(reflect.TypeFor[[2]float32]())
	case reflect.Complex128:
		return hashOf(reflect.TypeFor[[2]float64]())
	case reflect.Array:
		return hashOfArray(t)
	case reflect.Struct:
		return hashOfStruct(t)
	case reflect.Interface:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
			return hashInterface(seed, h, reflect.NewAt(t, p).Elem())
		}
	// The pointer in a netip.Addr, for example, differs between processes.
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return func(_ shuffle.Seed, h uint64, _ unsafe.Pointer) uint64 { return h }
	}
	switch t.Size() { // a bool or an integer
	case 1:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
			return shuffle.Mix(h, uint64(*(*uint8)(p)))
		}
	case 2:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
			return shuffle.Mix(h, uint64(*(*uint16)(p)))
		}
	case 4:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
			return shuffle.Mix(h, uint64(*(*uint32)(p)))
		}
	default:
		return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 { return shuffle.Mix(h, *(*uint64)(p)) }
	}
}

func hashString(seed shuffle.Seed, h uint64, s string) uint64 {
	return shuffle.Mix(h, shuffle.Hash(seed, s))
}

func hashFloat(h uint64, x float64) uint64 {
	if x == 0 {
		x = 0 // not -0
	}
	return shuffle.Mix(h, math.Float64bits(x))
}

func hashOfArray(t reflect.Type) keyHash {
	hash, size, n := hashOf(t.Elem()), t.Elem().Size(), t.Len()
	return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
		for i := range n {
			h = hash(seed, h, unsafe.Add(p, uintptr(i)*size))
		}
		return h
	}
}

func hashOfStruct(t reflect.Type) keyHash {
	type field struct {
		offset uintptr
		hash   keyHash
	}
	var fields []field
	for f := range t.Fields() {
		if f.Name != "_" { // == ignores it
			fields = append(fields, field{f.Offset, hashOf(f.Type)})
		}
	}
	return func(seed shuffle.Seed, h uint64, p unsafe.Pointer) uint64 {
		for _, f := range fields {
			h = f.hash(seed, h, unsafe.Add(p, f.offset))
		}
		return h
	}
}

func hashInterface(seed shuffle.Seed, h uint64, v reflect.Value) uint64 {
	if v.IsNil() {
		return shuffle.Mix(h, 0)
	}
	held := reflect.New(v.Elem().Type())
	held.Elem().Set(v.Elem())
	return hashOf(held.Type().Elem())(seed, hashString(seed, h, held.Type().String()), held.UnsafePointer())
}
