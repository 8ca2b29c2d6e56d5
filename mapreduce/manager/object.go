package manager

import (
	"bytes"
	"context"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// An Object is a value of a registered type on a manager: see [Register]. [Call] calls its methods.
type Object[T any] struct{ proxy }

// A Type is a registered type: see [Register].
type Type[T any] struct{ name string }

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Register registers a type of which managers can have objects; make makes one. [Call] can call its
// exported methods, and many goroutines may run them at the same time, as in any server. A method
// may take a ctx first, which ends when the caller's does, and may return a result, an error, or
// both. The methods "Get" and "Set" get and set an exported field of a struct, by the field's name,
// unless the type has methods of these names. A type whose methods use such fields must be a
// [sync.Locker], for example by embedding a sync.Mutex: the manager locks it to get and set fields,
// and clients cannot call its Lock and Unlock.
//
// Register must be called to initialize a package variable, in the manager's program and, in the
// same way, in every program that uses it. It panics if the name is taken or a method has types
// that cannot travel.
func Register[T any](name string, make func() T) Type[T] {
	t := reflect.TypeFor[T]()
	for i := range t.NumMethod() {
		if _, err := methodOf(t.Method(i).Type, 1); err != nil {
			panic(fmt.Sprintf("manager: Register(%q): method %s: %v", name, t.Method(i).Name, err))
		}
	}
	kind := "object " + name
	if makerOf(kind) != nil {
		panic(fmt.Sprintf("manager: Register(%q): the name is taken", name))
	}
	if makers == nil {
		makers = map[string]maker{}
	}
	makers[kind] = func(*session, *transport.Decoder) (object, error) {
		v := make()
		return newUserObject(name, reflect.ValueOf(&v).Elem()), nil
	}
	return Type[T]{name}
}

// New makes an object of the type.
func (t Type[T]) New(ctx context.Context, c Conn, opts ...ObjectOption) (*Object[T], error) {
	o := &Object[T]{}
	return o, o.create(ctx, c, "Type.New", "object "+t.name, signatureOf("object", reflect.TypeFor[T]()), opts, nil)
}

// EncodeMsgpack sends the proxy.
func (o *Object[T]) EncodeMsgpack(e *msgpack.Encoder) error { return o.encode(e) }

// DecodeMsgpack receives a proxy. It returns an error if the object has another type.
func (o *Object[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	return o.decode(d, signatureOf("object", reflect.TypeFor[T]()))
}

// A Callee is an [Object] of any type.
type Callee interface {
	callee() *proxy
}

func (o *Object[T]) callee() *proxy { return &o.proxy }

// Call calls a method of an object with args and returns its result; R is struct{} if it has none.
// Call blocks until the method has returned. If the method does not exist, the error wraps
// [ErrNoMethod]; if it takes other arguments, [ErrType]. An error of the method arrives as a
// [CallError].
func Call[R any](ctx context.Context, o Callee, name string, args ...any) (R, error) {
	var r R
	err := o.callee().callMethod(ctx, name, op(name), func(e *transport.Encoder) error {
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

// A sendBuffer holds bytes for a receiver: see [transport.Encoder.Receiver].
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
