package manager

import (
	"bytes"
	"context"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// An Object is a value of a registered type on a manager: see [Register]. Its methods are called by [Call].
type Object[T any] struct{ proxy }

// A Type is a registered type: see [Register].
type Type[T any] struct{ name string }

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

// New makes an object.
func (t Type[T]) New(ctx context.Context, c Conn, opts ...ObjectOption) (*Object[T], error) {
	o := &Object[T]{}
	return o, o.create(ctx, c, "Type.New", "object "+t.name, signatureOf("object", reflect.TypeFor[T]()), opts, nil)
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
	err := o.callee().callMethod(ctx, name, name, func(e *transport.Encoder) error {
		e.Uint(uint64(len(args)))
		for _, arg := range args {
			b, err := marshal(e.Receiver(), arg)
			if err != nil {
				return err
			}
			e.Blob(b)
		}
		return nil
	}, func(d *transport.Decoder) error { return unmarshal(d.Rest(), &r) })
	return r, err
}

// A sendBuffer has bytes for a receiver: see [transport.Encoder.Receiver].
type sendBuffer struct {
	bytes.Buffer
	to string
}

func (b *sendBuffer) Receiver() string { return b.to }

func marshal(receiver string, v any) ([]byte, error) {
	if err := transport.CheckType(reflect.TypeOf(v)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrType, err)
	}
	b := sendBuffer{to: receiver}
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
