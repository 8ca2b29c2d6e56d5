package mapreduce

import (
	"cmp"
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"
)

// A resultOrder is one of the orders in which a [Result] yields its entries.
type resultOrder[K comparable, V any] struct {
	rank func(e *Entry[K, V]) uint64 // see ranked
	rest func(a, b *Entry[K, V]) int // orders entries of the same rank
}

func (o resultOrder[K, V]) rankOf(e Entry[K, V]) ranked[K, V] { return ranked[K, V]{o.rank(&e), e} }

func (o resultOrder[K, V]) compare(a, b *ranked[K, V]) int {
	switch {
	case a.rank < b.rank:
		return -1
	case a.rank > b.rank:
		return 1
	}
	return o.rest(&a.Entry, &b.Entry)
}

// An entryOrder compares keys and values.
type entryOrder[K comparable, V any] struct{ key, value valueOrder }

func newEntryOrder[K comparable, V any]() entryOrder[K, V] {
	return entryOrder[K, V]{orderOf(reflect.TypeFor[K]()), orderOf(reflect.TypeFor[V]())}
}

func (o entryOrder[K, V]) keys(a, b *Entry[K, V]) int {
	return o.key.compare(unsafe.Pointer(&a.Key), unsafe.Pointer(&b.Key))
}

func (o entryOrder[K, V]) values(a, b *Entry[K, V]) int {
	return o.value.compare(unsafe.Pointer(&a.Value), unsafe.Pointer(&b.Value))
}

func (o entryOrder[K, V]) byKey() resultOrder[K, V] {
	return resultOrder[K, V]{
		func(e *Entry[K, V]) uint64 { return o.key.rank(unsafe.Pointer(&e.Key)) },
		func(a, b *Entry[K, V]) int { return cmp.Or(o.keys(a, b), o.values(a, b)) }, // several NaNs are several keys
	}
}

// byValue ranks by the value and, where the values are small numbers, by the key after it.
func (o entryOrder[K, V]) byValue() resultOrder[K, V] {
	return resultOrder[K, V]{
		func(e *Entry[K, V]) uint64 {
			const small = 1<<16 - 2
			rank, zero := o.value.rank(unsafe.Pointer(&e.Value)), o.value.zero
			switch {
			case !o.value.number:
				return 0
			case rank < zero:
				return math.MaxUint64
			case rank-zero >= small:
				return 0
			}
			return (small-(rank-zero))<<48 | o.key.rank(unsafe.Pointer(&e.Key))>>16
		},
		func(a, b *Entry[K, V]) int { return cmp.Or(o.values(b, a), o.keys(a, b)) },
	}
}

// A valueOrder orders the values of one type, which are given by pointers. It never fails: values
// that Go does not order are ordered by their parts, or are equal.
type valueOrder struct {
	rank    func(p unsafe.Pointer) uint64 // values of different ranks are in the order of the ranks
	number  bool                          // they are integers, each with a rank of its own
	zero    uint64                        // rank of the number 0
	compare func(a, b unsafe.Pointer) int
}

func orderOf(t reflect.Type) valueOrder {
	switch t.Kind() {
	case reflect.Bool:
		return unsignedOrder[uint8]() // false is 0, true is 1
	case reflect.Int:
		return signedOrder[int]()
	case reflect.Int8:
		return signedOrder[int8]()
	case reflect.Int16:
		return signedOrder[int16]()
	case reflect.Int32:
		return signedOrder[int32]()
	case reflect.Int64:
		return signedOrder[int64]()
	case reflect.Uint:
		return unsignedOrder[uint]()
	case reflect.Uint8:
		return unsignedOrder[uint8]()
	case reflect.Uint16:
		return unsignedOrder[uint16]()
	case reflect.Uint32:
		return unsignedOrder[uint32]()
	case reflect.Uint64, reflect.Uintptr:
		return unsignedOrder[uint64]()
	case reflect.Float32:
		return inOrderOf[float32](unranked)
	case reflect.Float64:
		return inOrderOf[float64](unranked)
	case reflect.Complex64:
		return orderOf(reflect.TypeFor[[2]float32]())
	case reflect.Complex128:
		return orderOf(reflect.TypeFor[[2]float64]())
	case reflect.String:
		return inOrderOf[string](func(p unsafe.Pointer) uint64 { return textRank(*(*string)(p)) })
	case reflect.Array:
		return orderOfArray(t)
	case reflect.Struct:
		return orderOfStruct(t)
	case reflect.Interface:
		return valueOrder{rank: unranked, compare: func(a, b unsafe.Pointer) int {
			return compareInterfaces(reflect.NewAt(t, a).Elem(), reflect.NewAt(t, b).Elem())
		}}
	}
	return valueOrder{rank: unranked, compare: func(_, _ unsafe.Pointer) int { return 0 }}
}

func unranked(unsafe.Pointer) uint64 { return 0 }

func inOrderOf[T cmp.Ordered](rank func(unsafe.Pointer) uint64) valueOrder {
	return valueOrder{rank: rank, compare: func(a, b unsafe.Pointer) int { return cmp.Compare(*(*T)(a), *(*T)(b)) }}
}

func signedOrder[T int | int8 | int16 | int32 | int64]() valueOrder {
	o := inOrderOf[T](func(p unsafe.Pointer) uint64 { return uint64(*(*T)(p)) ^ 1<<63 })
	o.number, o.zero = true, 1<<63
	return o
}

func unsignedOrder[T uint | uint8 | uint16 | uint32 | uint64]() valueOrder {
	o := inOrderOf[T](func(p unsafe.Pointer) uint64 { return uint64(*(*T)(p)) })
	o.number = true
	return o
}

// textRank returns the first eight bytes as a number.
func textRank(s string) uint64 {
	if len(s) >= 8 {
		return binary.BigEndian.Uint64(unsafe.Slice(unsafe.StringData(s), 8))
	}
	var rank uint64
	for i := range len(s) {
		rank |= uint64(s[i]) << (56 - 8*i)
	}
	return rank
}

func orderOfArray(t reflect.Type) valueOrder {
	elem, size, n := orderOf(t.Elem()), t.Elem().Size(), t.Len()
	return valueOrder{rank: unranked, compare: func(a, b unsafe.Pointer) int {
		for i := range n {
			if c := elem.compare(unsafe.Add(a, uintptr(i)*size), unsafe.Add(b, uintptr(i)*size)); c != 0 {
				return c
			}
		}
		return 0
	}}
}

func orderOfStruct(t reflect.Type) valueOrder {
	var fields []reflect.StructField
	var orders []valueOrder
	for f := range t.Fields() {
		if f.Name != "_" {
			fields, orders = append(fields, f), append(orders, orderOf(f.Type))
		}
	}
	return valueOrder{rank: unranked, compare: func(a, b unsafe.Pointer) int {
		for i, f := range fields {
			if c := orders[i].compare(unsafe.Add(a, f.Offset), unsafe.Add(b, f.Offset)); c != 0 {
				return c
			}
		}
		return 0
	}}
}

// compareInterfaces compares by type, then by value.
func compareInterfaces(a, b reflect.Value) int {
	if a.IsNil() || b.IsNil() {
		return cmp.Compare(btoi(b.IsNil()), btoi(a.IsNil()))
	}
	a, b = a.Elem(), b.Elem()
	if a.Type() != b.Type() {
		return cmp.Compare(a.Type().String(), b.Type().String())
	}
	x, y := reflect.New(a.Type()), reflect.New(b.Type())
	x.Elem().Set(a)
	y.Elem().Set(b)
	return orderOf(a.Type()).compare(x.UnsafePointer(), y.UnsafePointer())
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
