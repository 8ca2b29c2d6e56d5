package manager

import (
	"context"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A Value is one value on a manager. It is made by [NewValue] and used by pointer; all methods are
// safe for concurrent use, and each is atomic.
type Value[T any] struct {
	proxy
	values coder[T]
}

func valueSignature[T any]() string { return signatureOf("value", reflect.TypeFor[T]()) }

// NewValue makes a value that holds v.
func NewValue[T any](ctx context.Context, c Conn, v T, opts ...ObjectOption) (*Value[T], error) {
	p := &Value[T]{}
	var err error
	if p.values, err = coderOf[T](); err != nil {
		return nil, err
	}
	return p, p.create(ctx, c, "NewValue", "value", valueSignature[T](), opts,
		func(e *transport.Encoder) error { return p.values.Encode(e, &v) })
}

// EncodeMsgpack sends the proxy.
func (p *Value[T]) EncodeMsgpack(e *msgpack.Encoder) error { return p.encode(e) }

// DecodeMsgpack receives a proxy. It returns an error if the value has another type.
func (p *Value[T]) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if p.values, err = coderOf[T](); err != nil {
		return err
	}
	return p.decode(d, valueSignature[T]())
}

// arguments encodes the arguments of a method of a value, which begin with an empty key.
func (p *Value[T]) arguments(vs ...*T) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		e.Blob([]byte{})
		for i, v := range vs {
			if i < len(vs)-1 {
				if err := blob(e, p.values, v); err != nil {
					return err
				}
			} else if err := p.values.Encode(e, v); err != nil {
				return err
			}
		}
		return nil
	}
}

func (p *Value[T]) result(v *T) func(*transport.Decoder) error {
	return func(d *transport.Decoder) error { return p.values.Decode(d, v) }
}

// Load returns what the value holds.
func (p *Value[T]) Load(ctx context.Context) (v T, err error) {
	err = p.call(ctx, "Value."+opLoad, p.arguments(), p.result(&v))
	return v, err
}

// Store sets the value.
func (p *Value[T]) Store(ctx context.Context, v T) error {
	return p.call(ctx, "Value."+opStore, p.arguments(&v), nil)
}

// Swap sets the value and returns the previous one.
func (p *Value[T]) Swap(ctx context.Context, v T) (old T, err error) {
	err = p.call(ctx, "Value."+opSwap, p.arguments(&v), p.result(&old))
	return old, err
}

// Add adds n to the value, which must be a number, and returns the sum.
func (p *Value[T]) Add(ctx context.Context, n T) (sum T, err error) {
	err = p.call(ctx, "Value."+opAdd, func(e *transport.Encoder) error {
		e.Blob([]byte{})
		e.Uint(uint64(reflect.TypeFor[T]().Kind()))
		return p.values.Encode(e, &n)
	}, p.result(&sum))
	return sum, err
}

// CompareAndSwap sets the value to v if it is old, and reports whether it was: see
// [Dict.CompareAndSwap].
func (p *Value[T]) CompareAndSwap(ctx context.Context, old, v T) (swapped bool, err error) {
	err = p.call(ctx, "Value."+opCompareAndSwap, p.arguments(&old, &v), flag(&swapped))
	return swapped, err
}

// Update replaces the value by what f, registered with [UpdateFunc], makes of it, and returns the
// new value.
func (p *Value[T]) Update(ctx context.Context, f Updater[T]) (v T, err error) {
	if f.name == "" {
		return v, errNoUpdater
	}
	err = p.call(ctx, "Value."+opUpdate, func(e *transport.Encoder) error {
		e.Blob([]byte{})
		e.String(f.name)
		return nil
	}, p.result(&v))
	return v, err
}

// A Namespace holds values of different types under names: see [RegisterKind] about the types.
type Namespace = Dict[string, any]

// NewNamespace makes an empty namespace.
func NewNamespace(ctx context.Context, c Conn, opts ...ObjectOption) (*Namespace, error) {
	return NewDict[string, any](ctx, c, opts...)
}
