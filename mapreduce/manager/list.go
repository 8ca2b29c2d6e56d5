package manager

import (
	"context"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A List is a slice on a manager. It is made by [NewList] and used by pointer; all methods are safe
// for concurrent use, and each is atomic. A negative index counts from the end, as in Python. The
// error about an index out of range wraps [ErrIndex].
type List[T any] struct {
	proxy
	values coder[T]
}

func listSignature[T any]() string { return signatureOf("list", reflect.TypeFor[T]()) }

// NewList makes a list of vs. A [Named] list that exists already keeps its elements.
func NewList[T any](ctx context.Context, c Conn, vs []T, opts ...ObjectOption) (*List[T], error) {
	l := &List[T]{}
	var err error
	if l.values, err = coderOf[T](); err != nil {
		return nil, err
	}
	return l, l.create(ctx, c, "NewList", "list", listSignature[T](), opts, l.blobs(vs))
}

// EncodeMsgpack sends the proxy.
func (l *List[T]) EncodeMsgpack(e *msgpack.Encoder) error { return l.encode(e) }

// DecodeMsgpack receives a proxy. It returns an error if the list has another element type.
func (l *List[T]) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if l.values, err = coderOf[T](); err != nil {
		return err
	}
	return l.decode(d, listSignature[T]())
}

func (l *List[T]) blobs(vs []T) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		for i := range vs {
			if err := blob(e, l.values, &vs[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func (l *List[T]) at(i int, v *T) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		index(e, i)
		if v == nil {
			return nil
		}
		return l.values.Encode(e, v)
	}
}

// index appends an index, which may be negative.
func index(e *transport.Encoder, i int) { e.Uint(uint64(int64(i))) }

func (l *List[T]) result(v *T) func(*transport.Decoder) error {
	return func(d *transport.Decoder) error { return l.values.Decode(d, v) }
}

// Append adds a value at the end.
func (l *List[T]) Append(ctx context.Context, v T) error {
	return l.call(ctx, "List."+opAppend, l.blobs([]T{v}), nil)
}

// Extend adds values at the end.
func (l *List[T]) Extend(ctx context.Context, vs []T) error {
	return l.call(ctx, "List."+opExtend, l.blobs(vs), nil)
}

// Get returns element i.
func (l *List[T]) Get(ctx context.Context, i int) (T, error) { return l.get(ctx, "List."+opGet, i) }

func (l *List[T]) get(ctx context.Context, name op, i int) (v T, err error) {
	err = l.call(ctx, name, l.at(i, nil), l.result(&v))
	return v, err
}

// Set sets element i.
func (l *List[T]) Set(ctx context.Context, i int, v T) error {
	return l.call(ctx, "List."+opSet, l.at(i, &v), nil)
}

// Insert inserts a value before element i, or at the end if i is the length.
func (l *List[T]) Insert(ctx context.Context, i int, v T) error {
	return l.call(ctx, "List."+opInsert, l.at(i, &v), nil)
}

// Pop removes element i and returns it; -1 is the last one.
func (l *List[T]) Pop(ctx context.Context, i int) (v T, err error) {
	err = l.call(ctx, "List."+opPop, l.at(i, nil), l.result(&v))
	return v, err
}

// Remove removes the first element that is v, and reports whether there was one. It compares values
// in their encoded form.
func (l *List[T]) Remove(ctx context.Context, v T) (found bool, err error) {
	err = l.call(ctx, "List."+opRemove, func(e *transport.Encoder) error { return l.values.Encode(e, &v) }, flag(&found))
	return found, err
}

// Add adds n to element i, which must be a number, and returns the sum.
func (l *List[T]) Add(ctx context.Context, i int, n T) (T, error) {
	return l.add(ctx, "List."+opAdd, i, n)
}

func (l *List[T]) add(ctx context.Context, name op, i int, n T) (sum T, err error) {
	err = l.call(ctx, name, func(e *transport.Encoder) error {
		index(e, i)
		e.Uint(uint64(reflect.TypeFor[T]().Kind()))
		return l.values.Encode(e, &n)
	}, l.result(&sum))
	return sum, err
}

// CompareAndSwap sets element i to v if it is old, and reports whether it was. It compares values
// in their encoded form.
func (l *List[T]) CompareAndSwap(ctx context.Context, i int, old, v T) (swapped bool, err error) {
	err = l.call(ctx, "List."+opCompareAndSwap, func(e *transport.Encoder) error {
		index(e, i)
		if err := blob(e, l.values, &old); err != nil {
			return err
		}
		return l.values.Encode(e, &v)
	}, flag(&swapped))
	return swapped, err
}

// Update replaces element i by what f, registered with [UpdateFunc], makes of it, and returns the
// new element.
func (l *List[T]) Update(ctx context.Context, i int, f Updater[T]) (v T, err error) {
	if f.name == "" {
		return v, errNoUpdater
	}
	err = l.call(ctx, "List."+opUpdate, func(e *transport.Encoder) error {
		index(e, i)
		e.String(f.name)
		return nil
	}, l.result(&v))
	return v, err
}

// Reverse reverses the order of the elements.
func (l *List[T]) Reverse(ctx context.Context) error { return l.call(ctx, "List."+opReverse, nil, nil) }

// Len returns the number of elements.
func (l *List[T]) Len(ctx context.Context) (n int, err error) {
	err = l.call(ctx, "List."+opLen, nil, count(&n))
	return n, err
}

// Slice returns a copy of the elements from index i up to, but not including, index j.
func (l *List[T]) Slice(ctx context.Context, i, j int) ([]T, error) {
	return l.slice(ctx, "List."+opSlice, bounds(i, j))
}

func bounds(i, j int) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		index(e, i)
		index(e, j)
		return nil
	}
}

// All returns a copy of all elements.
func (l *List[T]) All(ctx context.Context) ([]T, error) { return l.slice(ctx, "List."+opAll, nil) }

func (l *List[T]) slice(ctx context.Context, name op, bounds func(*transport.Encoder) error) (vs []T, err error) {
	err = l.call(ctx, name, bounds, func(d *transport.Decoder) error {
		for len(d.Rest()) > 0 {
			v, err := unblob(d, l.values)
			if err != nil {
				return err
			}
			vs = append(vs, v)
		}
		return nil
	})
	return vs, err
}
