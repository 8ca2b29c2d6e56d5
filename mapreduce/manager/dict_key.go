package manager

import (
	"fmt"
	"reflect"
	"sync"

	"mrrun/transport"
)

// A keyCoder encodes the keys of a dict. The server knows them by their bytes alone, so keys that are equal (==) when they
// have arrived must have the same ones.
type keyCoder[K comparable] struct {
	coder[K]
	same bool // equal keys have the same bytes, and arrive as they left
}

var keyCoders sync.Map // of reflect.Type to keyCoder

func keyCoderOf[K comparable]() (c keyCoder[K], err error) {
	t := reflect.TypeFor[K]()
	if known, ok := keyCoders.Load(t); ok {
		return known.(keyCoder[K]), nil
	}
	if t.Kind() != reflect.Interface { // of mixed keys, each is looked at
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

// alwaysSame is about strings, bools and whole numbers without methods, which are most keys.
func alwaysSame(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Array, reflect.Struct, reflect.Interface:
		return false
	}
	return reflect.PointerTo(t).NumMethod() == 0
}

// blob appends a key as it is when it has arrived, with 0 in place of -0.
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

// mixedKey refuses a key of type any that could not be one of a dict of its own type.
func mixedKey(k any) error {
	if known, ok := kindsByType.Load(reflect.TypeOf(k)); ok {
		return known.(*kind).noKey
	}
	return nil // and no value: Encode says so
}

// dropMinus makes each -0 in v, which == does not tell from 0, a 0.
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
			dropMinus(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()) // also where it is not exported
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
