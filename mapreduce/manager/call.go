package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// An Object is a value of a registered type on a manager: see [Register]. Its methods are called by [Call].
type Object[T any] struct{ proxy }

// A Type is a registered type: see [Register].
type Type[T any] struct{ name string }

// A method is a function of a registered type, as the manager calls it.
type method struct {
	f    reflect.Value // of the object
	ctx  bool          // it takes a ctx first
	args []reflect.Type
	out  reflect.Type // nil: nothing but perhaps an error
	err  bool
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Register registers a type of which managers can have objects, made by make. Its exported methods can be called by
// [Call]; they are called by many goroutines at a time, as in any server. They may take a ctx first, which ends when the
// caller's does, and return a result, an error, or both. Exported fields of a struct are got and set by "Get" and "Set"
// with the field's name, unless it has such methods. A type whose methods use such fields is a [sync.Locker], as one that has
// a sync.Mutex embedded: it is locked then, and clients cannot call its Lock and Unlock.
//
// It is called in package variables, the same in the program that has the manager and in those that use it. A name that
// is taken, and a method whose types cannot travel, is a panic.
func Register[T any](name string, make func() T) Type[T] {
	t := reflect.TypeFor[T]()
	for i := range t.NumMethod() {
		if _, err := methodOf(t.Method(i).Type, 1); err != nil {
			panic(fmt.Sprintf("manager: Register(%q): method %s: %v", name, t.Method(i).Name, err))
		}
	}
	kind := "object " + name
	if makers[kind] != nil {
		panic(fmt.Sprintf("manager: Register(%q): the name is taken", name))
	}
	makers[kind] = func(*session, *transport.Decoder) (object, error) {
		v := make()
		return newUserObject(name, reflect.ValueOf(&v).Elem()), nil
	}
	return Type[T]{name}
}

// methodOf checks the types of a method, whose first skip parameters are not the caller's.
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
		return m, fmt.Errorf("it returns %d results; return one, a struct of them", outs)
	}
	if outs == 1 {
		m.out = t.Out(0)
		return m, transport.CheckType(m.out)
	}
	return m, nil
}

// New makes an object.
func (t Type[T]) New(ctx context.Context, c Conn, opts ...ObjectOption) (*Object[T], error) {
	o := &Object[T]{}
	return o, o.create(ctx, c, "object "+t.name, signatureOf("object", reflect.TypeFor[T]()), opts, nil)
}

// EncodeMsgpack sends the proxy.
func (o *Object[T]) EncodeMsgpack(e *msgpack.Encoder) error { return o.encode(e) }

// DecodeMsgpack receives a proxy. An object of another type is an error.
func (o *Object[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	return o.decode(d, signatureOf("object", reflect.TypeFor[T]()))
}

// A Callee is an [Object] of any type.
type Callee interface {
	callee() *proxy
}

func (o *Object[T]) callee() *proxy { return &o.proxy }

// Call calls a method of an object with args and returns its result; R is struct{} if it has none. It blocks until the
// method has returned. A method that is not there, and arguments of other types, are errors that wrap [ErrNoMethod] and
// [ErrType]; an error of the method is a [CallError].
func Call[R any](ctx context.Context, o Callee, name string, args ...any) (R, error) {
	var r R
	err := o.callee().call(ctx, name, func(e *transport.Encoder) error {
		e.Uint(uint64(len(args)))
		for _, arg := range args {
			b, err := marshal(arg)
			if err != nil {
				return err
			}
			e.Blob(b)
		}
		return nil
	}, func(d *transport.Decoder) error { return unmarshal(d.Rest(), &r) })
	return r, err
}

func marshal(v any) ([]byte, error) {
	if err := transport.CheckType(reflect.TypeOf(v)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrType, err)
	}
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.UseCompactInts(true)
	e.UseArrayEncodedStructs(true)
	err := e.Encode(v)
	return b.Bytes(), err
}

func unmarshal(b []byte, v any) (err error) {
	if len(b) == 0 {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decode %T: panic: %v", v, p)
		}
	}()
	if err := transport.CheckWhole(b); err != nil {
		return fmt.Errorf("%w: %w", ErrType, err)
	}
	if err := msgpack.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrType, err)
	}
	return nil
}

// A userObject calls the methods of a registered type.
type userObject struct {
	name    string
	v       reflect.Value
	lock    sync.Locker // guards fields that are got and set: the object itself, or a lock that only clients' calls have
	methods map[string]method
}

func newUserObject(name string, v reflect.Value) *userObject {
	o := &userObject{name: name, v: v, lock: &sync.Mutex{}, methods: make(map[string]method)}
	for i := range v.NumMethod() {
		m, _ := methodOf(v.Method(i).Type(), 0) // Register has seen the error
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

func (o *userObject) call(c *call) error {
	n, err := c.in.Uint()
	if err != nil {
		return err
	}
	var args [][]byte
	for range n {
		b, err := c.in.Blob()
		if err != nil {
			return err
		}
		args = append(args, bytes.Clone(b))
	}
	name := string(c.method)
	m, ok := o.methods[name]
	if !ok {
		return o.property(c, name, args)
	}
	if len(args) != len(m.args) {
		return fmt.Errorf("%w: %s of %s takes %d arguments, not %d", ErrType, name, o.name, len(m.args), len(args))
	}
	return c.later(func(ctx context.Context) ([]byte, error) { return m.run(ctx, args) })
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
	return marshal(out[0].Interface())
}

// property gets or sets an exported field.
func (o *userObject) property(c *call, name string, args [][]byte) error {
	v := reflect.Indirect(o.v)
	if (name != "Get" || len(args) != 1) && (name != "Set" || len(args) != 2) || v.Kind() != reflect.Struct {
		return fmt.Errorf("%w: %s has no method %s", ErrNoMethod, o.name, name)
	}
	var field string
	if err := unmarshal(args[0], &field); err != nil {
		return err
	}
	f, ok := v.Type().FieldByName(field)
	if !ok || !f.IsExported() || transport.CheckType(f.Type) != nil { // such as a lock
		return fmt.Errorf("%w: %s has no exported field %q that can be sent", ErrNoMethod, o.name, field)
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	if name == "Get" {
		b, err := marshal(v.FieldByIndex(f.Index).Interface())
		if err != nil {
			return err
		}
		return c.raw(b)
	}
	x := reflect.New(f.Type)
	if err := unmarshal(args[1], x.Interface()); err != nil {
		return err
	}
	v.FieldByIndex(f.Index).Set(x.Elem())
	return nil
}

// A RemoteFunc is a function that managers run: see [Func].
type RemoteFunc[A, R any] struct {
	name    string
	args    coder[A]
	results coder[R]
}

var functions sync.Map // of string to func(ctx, args) (result, error)

// Func registers a function that any client can have its manager call. It runs in a goroutine of its own; its ctx ends
// when the caller's does. It is called in package variables, the same in the program that has the manager and in those
// that use it. A name that is taken, and types that cannot travel, are a panic.
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

// Call calls the function on the manager that c is connected to; it blocks until it has returned.
func (r *RemoteFunc[A, R]) Call(ctx context.Context, c Conn, arg A) (result R, err error) {
	err = c.client().call(ctx, 0, "func", func(e *transport.Encoder) error {
		e.String(r.name)
		return r.args.Encode(e, &arg)
	}, func(d *transport.Decoder) error { return r.results.Decode(d, &result) })
	if failed, ok := errors.AsType[*CallError](err); ok {
		failed.Method = r.name
	}
	return result, err
}

func (s *session) callFunction(c *call) error {
	name, err := c.in.String()
	if err != nil {
		return err
	}
	f, ok := functions.Load(name)
	if !ok {
		return fmt.Errorf("%w: no Func %q in the manager's program", ErrNoMethod, name)
	}
	arg := bytes.Clone(c.in.Rest())
	return c.later(func(ctx context.Context) ([]byte, error) {
		return f.(func(context.Context, []byte) ([]byte, error))(ctx, arg)
	})
}
