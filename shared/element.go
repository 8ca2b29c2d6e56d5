package shared

import (
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"sync"
)

// An element describes the type of an array's elements.
type element struct {
	name string
	size int
	hash uint64 // differs between types, also between types of the same name in two packages
	err  error  // why an array cannot have such elements
}

var elements sync.Map // of reflect.Type

func elementOf[T any]() *element {
	t := reflect.TypeFor[T]()
	if e, ok := elements.Load(t); ok {
		return e.(*element)
	}
	e := &element{name: t.String(), size: int(t.Size())}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s.%s %d", t.PkgPath(), t, t.Size())
	e.hash = h.Sum64()
	switch field, bad := pointerIn(t); {
	case bad != nil && field == "":
		e.err = fmt.Errorf("shared: Array[%s]: a %s points outside of shared memory", t, bad)
	case bad != nil:
		e.err = fmt.Errorf("shared: Array[%s]: field %s is a %s, which points outside of shared memory", t, field, bad)
	case e.size == 0:
		e.err = errors.New("shared: Array[" + t.String() + "]: the elements have no size")
	}
	elements.Store(t, e)
	return e
}

// pointerIn returns the first part of a type that has no meaning in another process, and the path
// of its field, if it is in one.
func pointerIn(t reflect.Type) (field string, bad reflect.Type) {
	switch k := t.Kind(); {
	case k >= reflect.Bool && k <= reflect.Complex128:
		return "", nil
	case k == reflect.Array:
		return pointerIn(t.Elem())
	case k != reflect.Struct:
		return "", t
	}
	for f := range t.Fields() {
		if inner, bad := pointerIn(f.Type); bad != nil {
			if inner != "" {
				inner = "." + inner
			}
			return f.Name + inner, bad
		}
	}
	return "", nil
}
