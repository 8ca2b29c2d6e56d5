package manager

import (
	"fmt"
	"reflect"
	"sync"

	"mrrun/transport"
)

// A keyCoder encodes the keys of a dict. The server compares keys by their bytes alone, so keys
// that are equal (==) after decoding must have the same bytes.
type keyCoder[K comparable] struct {
	coder[K]
	same bool // equal keys have the same bytes, and decoding does not change them
}

var keyCoders sync.Map // of reflect.Type to keyCoder

func keyCoderOf[K comparable]() (c keyCoder[K], err error) {
	t := reflect.TypeFor[K]()
	if known, ok := keyCoders.Load(t); ok {
		return known.(keyCoder[K]), nil
	}
	if t.Kind() != reflect.Interface { // blob checks each key of mixed types
		if err := checkKey(t); err != nil {
			return c, err
		}
	}
	if c.coder, err = coderOf[K](); err != nil {
		return c, err
	}
	c.same = alwaysSame(t)
	keyCoders.Store(t, c)
	return c, nil
}

func checkKey(t reflect.Type) error {
	if err := transport.CheckKey(t); err != nil {
		return fmt.Errorf("%w: %w", ErrType, err)
	}
	return nil
}

// alwaysSame reports whether t is a string, a bool or an integer type without methods, as the types
// of most keys are: equal keys of such types have the same bytes.
func alwaysSame(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Array, reflect.Struct, reflect.Interface:
		return false
	}
	return reflect.PointerTo(t).NumMethod() == 0
}

// blob appends a key in the form that it has after decoding, with 0 in place of -0.
func (c keyCoder[K]) blob(e *transport.Encoder, k *K) error {
	if c.same {
		return blob(e, c.coder, k)
	}
	if err := mixedKey(*k); err != nil {
		return err
	}
	sent := transport.NewEncoder(nil)
	if err := c.Encode(sent, k); err != nil {
		return err
	}
	var arrived K
	if err := c.Decode(transport.NewDecoder(sent.Bytes()), &arrived); err != nil {
		return err
	}
	dropMinus(reflect.ValueOf(&arrived).Elem())
	return blob(e, c.coder, &arrived)
}

// mixedKey returns an error if a dict whose keys have the type of k is not possible.
func mixedKey(k any) error {
	if known, ok := kindsByType.Load(reflect.TypeOf(k)); ok {
		return known.(*kind).noKey
	}
	return nil // a type that is not a registered kind is an error of Encode
}

// dropMinus replaces each -0 in v, which == does not tell from 0, by 0.
func dropMinus(v reflect.Value) {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		v.SetFloat(v.Float() + 0) // -0 + 0 is 0
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(real(v.Complex())+0, imag(v.Complex())+0))
	case reflect.Array:
		for i := range v.Len() {
			dropMinus(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			dropMinus(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()) // unexported fields, too
		}
	case reflect.Interface:
		if !v.IsNil() {
			held := reflect.New(v.Elem().Type()).Elem()
			held.Set(v.Elem())
			dropMinus(held)
			v.Set(held)
		}
	}
}
