package manager

import (
	"fmt"
	"reflect"
	"sync"

	"mrrun/transport"
)

// A coder encodes and decodes values of one type. It is a [transport.Codec] or, for the type any,
// an anyCoder.
type coder[T any] interface {
	Encode(*transport.Encoder, *T) error
	Decode(*transport.Decoder, *T) error
}

var coders sync.Map // of reflect.Type to coder

func coderOf[T any]() (coder[T], error) {
	t := reflect.TypeFor[T]()
	if c, ok := coders.Load(t); ok {
		return c.(coder[T]), nil
	}
	if c, ok := any(anyCoder{}).(coder[T]); ok {
		registerOwnKinds()
		return c, nil
	}
	c, err := transport.NewCodec[T]()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrType, err)
	}
	coders.Store(t, c)
	return c, nil
}

// A kind is a type whose values may be in an any.
type kind struct {
	name   string
	encode func(*transport.Encoder, any) error
	decode func(*transport.Decoder) (any, error)
	noKey  error // why no Dict can have it as a key; nil for types that only a Go map cannot have, such as []byte
}

var (
	kindsByType sync.Map // of reflect.Type to *kind
	kindsByName sync.Map // of string to *kind
)

// RegisterKind allows values of type T where keys, values or elements have the type any, as in a
// Dict[any, any] or a List[any]. They arrive with the type that they had. The types bool, string
// and []byte are allowed already, and so are int, uint, their variants of 8 to 64 bits, float32 and
// float64. RegisterKind must be called for a package variable or in an init function, in the same
// way in all programs that share a manager. It panics if the name is taken or T cannot travel.
func RegisterKind[T any](name string) struct{} {
	registerOwnKinds()
	registerKind[T](name)
	return struct{}{}
}

func registerKind[T any](name string) {
	t := reflect.TypeFor[T]()
	c, err := transport.NewCodec[T]()
	if err != nil {
		panic(fmt.Sprintf("manager: RegisterKind(%q): %v", name, err))
	}
	k := &kind{
		name:   name,
		encode: func(e *transport.Encoder, v any) error { x := v.(T); return c.Encode(e, &x) },
		decode: func(d *transport.Decoder) (any, error) { var x T; err := c.Decode(d, &x); return x, err },
	}
	if t.Comparable() {
		k.noKey = checkKey(t)
	}
	if _, taken := kindsByName.LoadOrStore(name, k); taken {
		panic(fmt.Sprintf("manager: RegisterKind(%q): the name is taken", name))
	}
	kindsByType.Store(t, k)
}

// registerOwnKinds is not called by an init function: each worker would pay for it, and few
// programs use mixed values.
var registerOwnKinds = sync.OnceFunc(func() {
	registerKind[bool]("bool")
	registerKind[int]("int")
	registerKind[int8]("int8")
	registerKind[int16]("int16")
	registerKind[int32]("int32")
	registerKind[int64]("int64")
	registerKind[uint]("uint")
	registerKind[uint8]("uint8")
	registerKind[uint16]("uint16")
	registerKind[uint32]("uint32")
	registerKind[uint64]("uint64")
	registerKind[float32]("float32")
	registerKind[float64]("float64")
	registerKind[string]("string")
	registerKind[[]byte]("bytes")
})

// An anyCoder encodes the name of the kind, then the value. Nil is an empty name without a value.
type anyCoder struct{}

func (anyCoder) Encode(e *transport.Encoder, v *any) error {
	if *v == nil {
		e.String("")
		return nil
	}
	k, ok := kindsByType.Load(reflect.TypeOf(*v))
	if !ok {
		return fmt.Errorf("%w: a %T as one of mixed values; call RegisterKind for it", ErrType, *v)
	}
	e.String(k.(*kind).name)
	return k.(*kind).encode(e, *v)
}

func (anyCoder) Decode(d *transport.Decoder, v *any) error {
	name, err := d.String()
	if err != nil || name == "" {
		return err
	}
	k, ok := kindsByName.Load(name)
	if !ok {
		return fmt.Errorf("%w: a value of kind %q; call RegisterKind for it in this program too", ErrType, name)
	}
	*v, err = k.(*kind).decode(d)
	return err
}

// blob appends an encoded value, preceded by its length.
func blob[T any](e *transport.Encoder, c coder[T], v *T) error {
	scratch := getScratch(e.Receiver())
	defer putScratch(scratch)
	if err := c.Encode(scratch, v); err != nil {
		return err
	}
	e.Blob(scratch.Bytes())
	return nil
}

var scratches = sync.Pool{New: func() any { return transport.NewEncoder(nil) }}

// getScratch returns an encoder for data that is sent to the server with this instance.
func getScratch(instance string) *transport.Encoder {
	e := scratches.Get().(*transport.Encoder)
	e.SetReceiver(instance)
	return e
}

func putScratch(e *transport.Encoder) {
	e.Truncate(0)
	e.Trim()
	scratches.Put(e)
}

// unblob reads a value that blob has appended.
func unblob[T any](d *transport.Decoder, c coder[T]) (v T, err error) {
	b, err := d.Blob()
	if err != nil {
		return v, err
	}
	err = c.Decode(transport.NewDecoder(b), &v)
	return v, err
}

// adders holds, by kind, the functions that add two encoded numbers.
var adders = [...]func(a, b []byte) ([]byte, error){
	reflect.Int: add[int], reflect.Int8: add[int8], reflect.Int16: add[int16], reflect.Int32: add[int32],
	reflect.Int64: add[int64], reflect.Uint: add[uint], reflect.Uint8: add[uint8], reflect.Uint16: add[uint16],
	reflect.Uint32: add[uint32], reflect.Uint64: add[uint64], reflect.Float32: add[float32], reflect.Float64: add[float64],
}

// add adds two encoded numbers. An empty a counts as 0.
func add[T int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | float32 | float64](
	a, b []byte) ([]byte, error) {
	c, err := coderOf[T]()
	if err != nil {
		return nil, err
	}
	var x, y T
	if len(a) > 0 {
		if err := c.Decode(transport.NewDecoder(a), &x); err != nil {
			return nil, err
		}
	}
	if err := c.Decode(transport.NewDecoder(b), &y); err != nil {
		return nil, err
	}
	x += y
	e := transport.NewEncoder(nil)
	err = c.Encode(e, &x)
	return e.Bytes(), err
}

// addEncoded adds two encoded numbers of kind k.
func addEncoded(k reflect.Kind, a, b []byte) ([]byte, error) {
	if int(k) >= len(adders) || adders[k] == nil {
		return nil, fmt.Errorf("%w: a %v cannot be added to", ErrType, k)
	}
	return adders[k](a, b)
}
