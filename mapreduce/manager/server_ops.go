package manager

import "fmt"

// ops are the operations of one kind of object.
type ops[O any] map[op]func(O, *call) error

// run runs the operation that a call asks for; kind names the object in the error about one that it
// does not have.
func (methods ops[O]) run(o O, c *call, kind string) error {
	method := methods[op(c.method)]
	if method == nil {
		return c.unknown(kind)
	}
	return method(o, c)
}

// unknown returns the error about a method that an object does not have.
func (c *call) unknown(what string) error {
	return fmt.Errorf("%w: a %s cannot %q", ErrNoMethod, what, c.method)
}
