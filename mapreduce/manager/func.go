package manager

import (
	"context"
	"fmt"
	"sync"

	"mrrun/transport"
)

// A RemoteFunc is a function that managers run: see [Func].
type RemoteFunc[A, R any] struct {
	name    string
	args    coder[A]
	results coder[R]
}

var functions sync.Map // of string to func(ctx, args) (result, error)

// Func registers f, which any client can then call on its manager. f runs in the manager's process
// in a goroutine of its own; its ctx ends when the caller's does. Func must be called to initialize
// a package variable, in the manager's program and, in the same way, in every program that uses it.
// It panics if the name is taken or a type cannot travel.
func Func[A, R any](name string, f func(ctx context.Context, arg A) (R, error)) *RemoteFunc[A, R] {
	r := &RemoteFunc[A, R]{name: name}
	var err error
	if r.args, err = coderOf[A](); err == nil {
		r.results, err = coderOf[R]()
	}
	if err != nil {
		panic(fmt.Sprintf("manager: Func(%q): %v", name, err))
	}
	_, taken := functions.LoadOrStore(name, func(ctx context.Context, arg []byte) ([]byte, error) {
		var a A
		if err := r.args.Decode(transport.NewDecoder(arg), &a); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrType, err)
		}
		result, err := f(ctx, a)
		if err != nil {
			return nil, err
		}
		e := transport.NewEncoder(nil)
		err = r.results.Encode(e, &result)
		return e.Bytes(), err
	})
	if taken {
		panic(fmt.Sprintf("manager: Func(%q): the name is taken", name))
	}
	return r
}

// Call calls the function on the manager that c is connected to, and blocks until the function has
// returned.
func (r *RemoteFunc[A, R]) Call(ctx context.Context, c Conn, arg A) (result R, err error) {
	err = c.client().call(ctx, r.name, 0, opFunc, func(e *transport.Encoder) error {
		e.String(r.name)
		return r.args.Encode(e, &arg)
	}, func(d *transport.Decoder) error { return r.results.Decode(d, &result) })
	return result, err
}

func (s *session) callFunction(r *request) error {
	name, err := r.in.String()
	if err != nil {
		return err
	}
	f, ok := functions.Load(name)
	if !ok {
		return fmt.Errorf("%w: no Func %q in the manager's program", ErrNoMethod, name)
	}
	arg := s.srv.store(r.in.Rest())
	return r.later(func(ctx context.Context) ([]byte, error) {
		defer s.srv.release(arg)
		arg.depart() // the function gets a copy
		return f.(func(context.Context, []byte) ([]byte, error))(ctx, arg.b)
	})
}
