package manager

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"sync"

	"mrrun/transport"
)

// A method is a method of a registered type with the types that a call of it needs.
type method struct {
	f    reflect.Value // bound to the object
	ctx  bool          // its first parameter is a ctx
	args []reflect.Type
	out  reflect.Type // nil if it returns at most an error
	err  bool
}

// methodOf checks the types of a method. The first skip parameters, such as a receiver, are not
// arguments of a call.
func methodOf(t reflect.Type, skip int) (method, error) {
	var m method
	for i := skip; i < t.NumIn(); i++ {
		if in := t.In(i); in == contextType && i == skip {
			m.ctx = true
		} else if err := transport.CheckType(in); err != nil {
			return m, err
		} else {
			m.args = append(m.args, in)
		}
	}
	outs := t.NumOut()
	if outs > 0 && t.Out(outs-1) == errorType {
		m.err = true
		outs--
	}
	if outs > 1 {
		return m, fmt.Errorf("it returns %d results; return at most one, such as a struct", outs)
	}
	if outs == 1 {
		m.out = t.Out(0)
		return m, transport.CheckType(m.out)
	}
	return m, nil
}

// A userObject is an object of a registered type. Its calls run the methods of v.
type userObject struct {
	name    string
	v       reflect.Value
	lock    sync.Locker // guards Get and Set: v itself, or a lock that only they take
	methods map[string]method
}

func newUserObject(name string, v reflect.Value) *userObject {
	o := &userObject{name: name, v: v, lock: &sync.Mutex{}, methods: make(map[string]method)}
	for i := range v.NumMethod() {
		m, _ := methodOf(v.Method(i).Type(), 0) // Register has checked the types
		m.f = v.Method(i)
		o.methods[v.Type().Method(i).Name] = m
	}
	if l, ok := v.Interface().(sync.Locker); ok {
		o.lock = l
		for _, own := range []string{"Lock", "TryLock", "Unlock"} {
			delete(o.methods, own)
		}
	}
	return o
}

func (o *userObject) leave(*session) {}

func (o *userObject) call(r *request) error {
	s, whole := r.s, r.in.Rest()
	n, err := r.in.Uint()
	if err != nil {
		return err
	}
	var args [][]byte
	for range n {
		b, err := r.in.Blob()
		if err != nil {
			return err
		}
		args = append(args, bytes.Clone(b))
	}
	name := string(r.method)
	m, ok := o.methods[name]
	if !ok {
		return o.property(r, name, args)
	}
	if len(args) != len(m.args) {
		return fmt.Errorf("%w: %s of %s takes %d arguments, not %d", ErrType, name, o.name, len(m.args), len(args))
	}
	held := s.srv.proxiesIn(whole)
	return r.later(func(ctx context.Context) ([]byte, error) {
		defer s.srv.release(stored{refs: held})
		return m.run(ctx, args)
	})
}

func (m method) run(ctx context.Context, args [][]byte) ([]byte, error) {
	var in []reflect.Value
	if m.ctx {
		in = append(in, reflect.ValueOf(ctx))
	}
	for i, t := range m.args {
		v := reflect.New(t)
		if err := unmarshal(args[i], v.Interface()); err != nil {
			return nil, fmt.Errorf("argument %d, a %v: %w", i+1, t, err)
		}
		in = append(in, v.Elem())
	}
	out := m.f.Call(in)
	if m.err {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if m.out == nil {
		return nil, nil
	}
	return marshal("", out[0].Interface())
}

// property gets or sets an exported field.
func (o *userObject) property(r *request, name string, args [][]byte) error {
	v := reflect.Indirect(o.v)
	if (name != "Get" || len(args) != 1) && (name != "Set" || len(args) != 2) || v.Kind() != reflect.Struct {
		return fmt.Errorf("%w: %s has no method %s", ErrNoMethod, o.name, name)
	}
	var field string
	if err := unmarshal(args[0], &field); err != nil {
		return err
	}
	f, ok := v.Type().FieldByName(field)
	if !ok || !f.IsExported() || transport.CheckType(f.Type) != nil { // a lock, for example, cannot be sent
		return fmt.Errorf("%w: %s has no exported field %q that can be sent", ErrNoMethod, o.name, field)
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	if name == "Get" {
		b, err := marshal("", v.FieldByIndex(f.Index).Interface())
		if err != nil {
			return err
		}
		return r.raw(b)
	}
	x := reflect.New(f.Type)
	if err := unmarshal(args[1], x.Interface()); err != nil {
		return err
	}
	v.FieldByIndex(f.Index).Set(x.Elem())
	return nil
}
