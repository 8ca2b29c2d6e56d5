package manager

import (
	"context"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A Dict is a map on a manager. It is made by [NewDict] and used by pointer; all methods are safe
// for concurrent use, and each is atomic. Two keys are the same if they are equal (==) once they
// have arrived in another process: 0 and -0 are one key. (Unlike in a Go map, a NaN is the same key
// as another NaN with the same bits.) Keys and values of mixed types have the type any: see
// [RegisterKind].
type Dict[K comparable, V any] struct {
	proxy
	keys   keyCoder[K]
	values coder[V]
}

func dictSignature[K comparable, V any]() string {
	return signatureOf("dict", reflect.TypeFor[K](), reflect.TypeFor[V]())
}

// NewDict makes an empty dict. If keys of type K have no meaning in another process, as pointers do
// not, the error wraps [ErrType]: see [transport.CheckKey].
func NewDict[K comparable, V any](ctx context.Context, c Conn, opts ...ObjectOption) (*Dict[K, V], error) {
	d := &Dict[K, V]{}
	if err := d.init(); err != nil {
		return nil, err
	}
	return d, d.create(ctx, c, "NewDict", "dict", dictSignature[K, V](), opts, nil)
}

func (d *Dict[K, V]) init() (err error) {
	if d.keys, err = keyCoderOf[K](); err == nil {
		d.values, err = coderOf[V]()
	}
	return err
}

// EncodeMsgpack sends the proxy.
func (d *Dict[K, V]) EncodeMsgpack(e *msgpack.Encoder) error { return d.encode(e) }

// DecodeMsgpack receives a proxy. It returns an error if the dict has other types.
func (d *Dict[K, V]) DecodeMsgpack(dec *msgpack.Decoder) error {
	if err := d.init(); err != nil {
		return err
	}
	return d.decode(dec, dictSignature[K, V]())
}

// key calls a method whose arguments are a key and what more appends.
func (d *Dict[K, V]) key(ctx context.Context, name op, k *K, more func(*transport.Encoder) error,
	result func(*transport.Decoder) error) error {
	return d.call(ctx, name, func(e *transport.Encoder) error {
		err := d.keys.blob(e, k)
		if err == nil && more != nil {
			err = more(e)
		}
		return err
	}, result)
}

// Set sets the value of a key.
func (d *Dict[K, V]) Set(ctx context.Context, k K, v V) error {
	return d.key(ctx, "Dict."+opSet, &k, func(e *transport.Encoder) error { return d.values.Encode(e, &v) }, nil)
}

// Get returns the value of a key, and whether there is one.
func (d *Dict[K, V]) Get(ctx context.Context, k K) (v V, found bool, err error) {
	err = d.key(ctx, "Dict."+opGet, &k, nil, d.maybe(&v, &found))
	return v, found, err
}

// Pop removes a key and returns its value, and whether there was one.
func (d *Dict[K, V]) Pop(ctx context.Context, k K) (v V, found bool, err error) {
	err = d.key(ctx, "Dict."+opPop, &k, nil, d.maybe(&v, &found))
	return v, found, err
}

func (d *Dict[K, V]) maybe(v *V, found *bool) func(*transport.Decoder) error {
	return func(dec *transport.Decoder) error {
		if *found = len(dec.Rest()) > 0; !*found {
			return nil
		}
		return d.values.Decode(dec, v)
	}
}

// Delete removes a key, and reports whether there was one.
func (d *Dict[K, V]) Delete(ctx context.Context, k K) (found bool, err error) {
	err = d.key(ctx, "Dict."+opDelete, &k, nil, flag(&found))
	return found, err
}

// Len returns the number of keys.
func (d *Dict[K, V]) Len(ctx context.Context) (n int, err error) {
	err = d.call(ctx, "Dict."+opLen, nil, count(&n))
	return n, err
}

// Clear removes all keys.
func (d *Dict[K, V]) Clear(ctx context.Context) error { return d.call(ctx, "Dict."+opClear, nil, nil) }

// Items returns a copy of all keys and values at one moment. The error wraps [ErrType] if a key of
// type any cannot be a key of a Go map, as a []byte cannot, or if two keys are equal after
// decoding: use [Dict.Keys] then.
func (d *Dict[K, V]) Items(ctx context.Context) (map[K]V, error) {
	items := make(map[K]V)
	mixed := reflect.TypeFor[K]().Kind() == reflect.Interface
	err := d.call(ctx, "Dict."+opItems, nil, func(dec *transport.Decoder) error {
		for len(dec.Rest()) > 0 {
			k, err := unblob(dec, d.keys)
			if err == nil && mixed && !reflect.ValueOf(k).Comparable() {
				err = fmt.Errorf("%w: a %T cannot be a key of a map", ErrType, k)
			}
			if err != nil {
				return err
			}
			if _, twice := items[k]; twice {
				return fmt.Errorf("%w: two keys of the dict are both decoded to %v; use Keys", ErrType, k)
			}
			if items[k], err = unblob(dec, d.values); err != nil {
				return err
			}
		}
		return nil
	})
	return items, err
}

// Keys returns a copy of all keys at one moment, in no particular order.
func (d *Dict[K, V]) Keys(ctx context.Context) (keys []K, err error) {
	err = d.call(ctx, "Dict."+opKeys, nil, func(dec *transport.Decoder) error {
		for len(dec.Rest()) > 0 {
			k, err := unblob(dec, d.keys)
			if err != nil {
				return err
			}
			keys = append(keys, k)
		}
		return nil
	})
	return keys, err
}

// Add adds n to the value of a key, or to 0 if there is none, and returns the sum. V must be a
// numeric type.
func (d *Dict[K, V]) Add(ctx context.Context, k K, n V) (sum V, err error) {
	err = d.key(ctx, "Dict."+opAdd, &k, func(e *transport.Encoder) error {
		e.Uint(uint64(reflect.TypeFor[V]().Kind()))
		return d.values.Encode(e, &n)
	}, func(dec *transport.Decoder) error { return d.values.Decode(dec, &sum) })
	return sum, err
}

// CompareAndSwap sets the value of a key to v if it is old, and reports whether it was. It compares
// values in their encoded form.
func (d *Dict[K, V]) CompareAndSwap(ctx context.Context, k K, old, v V) (swapped bool, err error) {
	err = d.key(ctx, "Dict."+opCompareAndSwap, &k, func(e *transport.Encoder) error {
		if err := blob(e, d.values, &old); err != nil {
			return err
		}
		return d.values.Encode(e, &v)
	}, flag(&swapped))
	return swapped, err
}

// SetDefault sets the value of a key if there is none, and returns the value that the key then has.
func (d *Dict[K, V]) SetDefault(ctx context.Context, k K, v V) (V, error) {
	var is V
	err := d.key(ctx, "Dict."+opSetDefault, &k, func(e *transport.Encoder) error { return d.values.Encode(e, &v) },
		func(dec *transport.Decoder) error { return d.values.Decode(dec, &is) })
	return is, err
}

// Update replaces the value of a key by what f, registered with [UpdateFunc], makes of it, and
// returns the new value.
func (d *Dict[K, V]) Update(ctx context.Context, k K, f Updater[V]) (v V, err error) {
	if f.name == "" {
		return v, errNoUpdater
	}
	err = d.key(ctx, "Dict."+opUpdate, &k, func(e *transport.Encoder) error { e.String(f.name); return nil },
		func(dec *transport.Decoder) error { return d.values.Decode(dec, &v) })
	return v, err
}

func flag(b *bool) func(*transport.Decoder) error {
	return func(d *transport.Decoder) error {
		n, err := d.Uint()
		*b = n != 0
		return err
	}
}

func count(n *int) func(*transport.Decoder) error {
	return func(d *transport.Decoder) error {
		u, err := d.Uint()
		*n = int(u)
		return err
	}
}
