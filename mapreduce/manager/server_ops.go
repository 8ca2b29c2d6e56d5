package manager

import "fmt"

// ops are the operations of one kind of object.
type ops[O any] map[op]func(O, *request) error

// run runs the operation that a call asks for; kind names the object in the error about one that it
// does not have.
func (methods ops[O]) run(o O, r *request, kind string) error {
	method := methods[op(r.method)]
	if method == nil {
		return r.unknown(kind)
	}
	return method(o, r)
}

// unknown returns the error about a method that an object does not have.
func (r *request) unknown(what string) error {
	return fmt.Errorf("%w: a %s cannot %q", ErrNoMethod, what, r.method)
}
