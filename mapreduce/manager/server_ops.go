package manager

import "fmt"

// ops are the operations of one kind of object.
type ops[O any] methods[func(O, *request) error]

// run runs the operation that a call asks for; kind names the object in the error about one that it
// does not have.
func (all ops[O]) run(o O, r *request, kind string) error {
	method := methods[func(O, *request) error](all).find(r.method)
	if method == nil {
		return r.unknown(kind)
	}
	return method(o, r)
}

// unknown returns the error about a method that an object does not have.
func (r *request) unknown(what string) error {
	return fmt.Errorf("%w: a %s cannot %q", ErrNoMethod, what, r.method)
}

// methods are a table of methods of type F. It is not a map, which each worker would make when it
// starts.
type methods[F any] []struct {
	name op
	run  F
}

// find returns the method with that name, nil if there is none.
func (all methods[F]) find(name []byte) (run F) {
	for _, m := range all {
		if string(m.name) == string(name) {
			return m.run
		}
	}
	return run
}
