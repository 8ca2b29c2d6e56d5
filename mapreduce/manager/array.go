package manager

import (
	"context"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// An Array is a [List] of fixed length. It is made by [NewArray] and used by pointer; all methods
// are safe for concurrent use. An Array of package shared is memory; each method of this one is a
// call to the manager.
type Array[T any] struct{ list List[T] }

func arraySignature[T any]() string { return signatureOf("array", reflect.TypeFor[T]()) }

// NewArray makes an array of n zero values. All of them must fit in one message: see [MaxMessage].
func NewArray[T any](ctx context.Context, c Conn, n int, opts ...ObjectOption) (*Array[T], error) {
	if n < 0 {
		return nil, fmt.Errorf("manager: NewArray: %d elements: must be at least 0", n)
	}
	a := &Array[T]{}
	var err error
	if a.list.values, err = coderOf[T](); err != nil {
		return nil, err
	}
	return a, a.list.create(ctx, c, "NewArray", "array", arraySignature[T](), opts,
		func(e *transport.Encoder) error {
			e.Uint(uint64(n))
			return a.list.blobs(make([]T, 1))(e)
		})
}

// EncodeMsgpack sends the proxy.
func (a *Array[T]) EncodeMsgpack(e *msgpack.Encoder) error { return a.list.encode(e) }

// DecodeMsgpack receives a proxy. It returns an error if the array has another element type.
func (a *Array[T]) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if a.list.values, err = coderOf[T](); err != nil {
		return err
	}
	return a.list.decode(d, arraySignature[T]())
}

// At returns element i: see [List.Get].
func (a *Array[T]) At(ctx context.Context, i int) (T, error) {
	return a.list.get(ctx, "Array."+opAt, i)
}

// Set sets element i.
func (a *Array[T]) Set(ctx context.Context, i int, v T) error {
	return a.list.call(ctx, "Array."+opSet, a.list.at(i, &v), nil)
}

// Add adds n to element i, which must be a number, and returns the sum.
func (a *Array[T]) Add(ctx context.Context, i int, n T) (T, error) {
	return a.list.add(ctx, "Array."+opAdd, i, n)
}

// Len returns the number of elements.
func (a *Array[T]) Len(ctx context.Context) (n int, err error) {
	err = a.list.call(ctx, "Array."+opLen, nil, count(&n))
	return n, err
}

// Slice returns a copy of the elements from index i up to, but not including, index j.
func (a *Array[T]) Slice(ctx context.Context, i, j int) ([]T, error) {
	return a.list.slice(ctx, "Array."+opSlice, bounds(i, j))
}

// Close ends the use of this proxy.
func (a *Array[T]) Close() error { return a.list.Close() }
