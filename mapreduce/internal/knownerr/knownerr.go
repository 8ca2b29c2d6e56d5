// Package knownerr keeps the identity of errors on the way to another process: which sentinels
// [errors.Is] finds in them, and which values [errors.As] finds, as far as both processes know
// them.
package knownerr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
	"mrrun/transport"
)

// An Identity is the part of an error that can be sent.
type Identity struct {
	Is []string // names of the sentinels in the error
	As []Value  // values in the error, of known types
}

// A Value is an error that is sent whole.
type Value struct {
	Type    string
	Encoded []byte
}

var registry struct {
	sync.Mutex
	fresh []error // registered, and not known yet
	known known
}

// known are the registered errors.
type known struct {
	sentinels []error
	names     []string       // of the sentinels: their texts, with #2, #3 … for repeated ones
	repeats   map[string]int // by text
	types     []reflect.Type // including those that cannot travel: see travels
}

func init() {
	Register(context.Canceled, context.DeadlineExceeded, io.EOF, errors.ErrUnsupported,
		shared.ErrOwnerDied, shared.ErrNotRecoverable, shared.ErrReleased, shared.ErrBroken,
		shared.ErrUnsupported, shared.ErrFull, shared.ErrGone, shared.ErrExists,
		transport.ErrClosed, transport.ErrTaskDone, transport.ErrFormat, &transport.SizeError{})
}

// Register makes errors known, and their types if those can travel. It must be called in the same
// order in every process. Few processes ever use what is known, so it is put together later.
func Register(errs ...error) {
	registry.Lock()
	defer registry.Unlock()
	registry.fresh = append(registry.fresh, errs...)
}

// all returns what is known now.
func all() known {
	registry.Lock()
	defer registry.Unlock()
	for _, err := range registry.fresh {
		registry.known.add(err)
	}
	registry.fresh = nil
	return registry.known
}

func (k *known) add(err error) {
	if k.repeats == nil {
		k.repeats = make(map[string]int)
	}
	name := textOf(err)
	k.repeats[name]++
	if n := k.repeats[name]; n > 1 {
		name = fmt.Sprintf("%s#%d", name, n)
	}
	k.names = append(k.names, name)
	k.sentinels = append(k.sentinels, err)
	if t := reflect.TypeOf(err); !slices.Contains(k.types, t) {
		k.types = append(k.types, t)
	}
}

// textOf returns the text of an error that may have been registered only for its type, and so may
// be nil or incomplete.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = reflect.TypeOf(err).String()
		}
	}()
	return err.Error()
}

var checked sync.Map // by reflect.Type, a bool

// travels reports whether values of the type can be sent. Few processes ever need to know, so this
// is not checked at the start.
func travels(t reflect.Type) bool {
	ok, found := checked.Load(t)
	if !found {
		ok = transport.CheckType(t) == nil
		checked.Store(t, ok)
	}
	return ok.(bool)
}

// Of returns the identity of an error. It panics if a method of the error does.
func Of(err error) (id Identity) {
	known := all()
	for i, sentinel := range known.sentinels {
		if errors.Is(err, sentinel) {
			id.Is = append(id.Is, known.names[i])
		}
	}
	for _, t := range known.types {
		found := reflect.New(t)
		if !travels(t) || !errors.As(err, found.Interface()) || t.Kind() == reflect.Pointer && found.Elem().IsNil() {
			continue
		}
		if t.Kind() == reflect.Pointer {
			found = found.Elem()
		}
		if encoded, err := msgpack.Marshal(found.Interface()); err == nil {
			id.As = append(id.As, Value{t.String(), encoded})
		}
	}
	return id
}

// Errors returns the errors of an identity that this process knows, without those that it cannot
// decode.
func (id Identity) Errors() (errs []error) {
	known := all()
	for i, name := range known.names {
		if slices.Contains(id.Is, name) {
			errs = append(errs, known.sentinels[i])
		}
	}
	for _, value := range id.As {
		for _, t := range known.types {
			if t.String() == value.Type && travels(t) {
				if err, ok := value.decode(t); ok {
					errs = append(errs, err)
				}
			}
		}
	}
	return errs
}

func (v Value) decode(t reflect.Type) (err error, ok bool) {
	defer func() {
		if recover() != nil { // in a method of the type
			ok = false
		}
	}()
	found := reflect.New(t)
	if transport.CheckWhole(v.Encoded) != nil || msgpack.Unmarshal(v.Encoded, found.Interface()) != nil {
		return nil, false
	}
	err, ok = found.Elem().Interface().(error)
	return err, ok
}

// Encode appends the identity.
func (id Identity) Encode(out *transport.Encoder) {
	out.Uint(uint64(len(id.Is)))
	for _, name := range id.Is {
		out.String(name)
	}
	out.Uint(uint64(len(id.As)))
	for _, value := range id.As {
		out.String(value.Type)
		out.Blob(value.Encoded)
	}
}

// Decode takes an identity.
func Decode(in *transport.Decoder) (id Identity, err error) {
	n, err := in.Uint()
	for range n {
		var name string
		if name, err = in.String(); err != nil {
			return id, err
		}
		id.Is = append(id.Is, name)
	}
	if err != nil {
		return id, err
	}
	n, err = in.Uint()
	for range n {
		var v Value
		if v.Type, err = in.String(); err != nil {
			return id, err
		}
		if v.Encoded, err = in.Blob(); err != nil {
			return id, err
		}
		v.Encoded = slices.Clone(v.Encoded)
		id.As = append(id.As, v)
	}
	return id, err
}
