package manager

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"mrrun/transport"
)

// A stored is a value that an object holds. It is encoded, as the manager need not know its type,
// and lists the objects that it refers to.
type stored struct {
	b      []byte
	refs   []*keptObject
	shared []sharedRef
}

// store copies a value for an object to hold, and takes a reference to each object that the value
// refers to.
func (srv *Server) store(b []byte) stored {
	b = bytes.Clone(b)
	return stored{b, srv.proxiesIn(b), sharedIn(b)}
}

// release drops the references of a value.
func (srv *Server) release(v stored) {
	for _, e := range v.refs {
		srv.drop(e)
	}
	v.releaseShared()
}

// updaters holds the functions that [UpdateFunc] has registered, by name.
var updaters sync.Map // of string to func(old []byte, found bool) ([]byte, error)

// An Updater is a function that a manager runs on a value: see [UpdateFunc].
type Updater[V any] struct{ name string }

var errNoUpdater = errors.New("manager: Update: the Updater is empty: make it with UpdateFunc")

// UpdateFunc registers f, which makes a new value from an old one, for [Dict.Update], [List.Update]
// and [Value.Update]. If there is no old value, found is false and old is the zero value. f runs in
// the manager's process while other calls on the object wait, so it should be quick; a panic in f
// is an error for the caller of Update.
//
// It must be called to initialize a package variable, in the manager's program and, in the same
// way, in every program that uses it. It panics if the name is taken or V cannot travel.
func UpdateFunc[V any](name string, f func(old V, found bool) V) Updater[V] {
	c, err := coderOf[V]()
	if err != nil {
		panic(fmt.Sprintf("manager: UpdateFunc(%q): %v", name, err))
	}
	_, taken := updaters.LoadOrStore(name, func(b []byte, found bool) ([]byte, error) {
		var v V
		if found {
			if err := c.Decode(transport.NewDecoder(b), &v); err != nil {
				return nil, err
			}
		}
		v = f(v, found)
		e := transport.NewEncoder(nil)
		err := c.Encode(e, &v)
		return e.Bytes(), err
	})
	if taken {
		panic(fmt.Sprintf("manager: UpdateFunc(%q): the name is taken", name))
	}
	return Updater[V]{name}
}

// update runs a registered function on a copy of a value.
func update(name string, old stored, found bool) ([]byte, error) {
	f, ok := updaters.Load(name)
	if !ok {
		return nil, fmt.Errorf("%w: no UpdateFunc %q in the manager's program", ErrNoMethod, name)
	}
	old.depart()
	return f.(func([]byte, bool) ([]byte, error))(old.b, found)
}
