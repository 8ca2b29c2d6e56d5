package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"mrrun/transport"
)

// A State is something that each worker makes once, before its first task, and that its tasks use,
// such as a connection or a large table. It replaces what Python does with an initializer and a
// global variable. Its methods are safe for concurrent use.
type State[A, S any] struct {
	entry *entry
	arg   *transport.Codec[A]
	make  func(context.Context, A) (S, error)
	exit  func(S) error
}

// ErrInitializer is wrapped by the error about a [State] that could not be made. That ends the
// pool, since the next worker would fail in the same way.
var ErrInitializer = errors.New("initializer failed")

// NewState registers a function that makes a state from an argument; like [Func] it must be called
// for a package variable. exit, unless it is nil, is called when a worker ends in good order, but
// not when it is killed.
func NewState[A, S any](make func(ctx context.Context, arg A) (S, error), exit func(S) error) *State[A, S] {
	name := "state " + funcName(make)
	s := &State[A, S]{make: make, exit: exit}
	types := reflect.TypeFor[A]().String() + " → " + reflect.TypeFor[S]().String()
	s.entry = register("", name, types, 1, s.codecs, nil)
	s.entry.state = s.begin
	return s
}

func (s *State[A, S]) codecs(refuse func(role string, err error)) {
	var err error
	s.arg, err = transport.NewCodec[A]()
	refuse("its argument", err)
}

// Initializer makes each worker of the pool make the state from arg before it gets work. [NewPool]
// returns an error of make.
func (s *State[A, S]) Initializer(arg A) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if s == nil || s.entry == nil {
			return errNoTask
		}
		s.entry.prepare()
		if o.cargo == nil {
			o.cargo = new(transport.Cargo)
		}
		s.arg.Keep(o.cargo, &arg)
		e := transport.NewEncoder(nil)
		e.KeptBySender(true)
		if err := s.arg.Encode(e, &arg); err != nil {
			return fmt.Errorf("mapreduce: %s: send its argument: %w", s.entry.name, err)
		}
		o.states = append(o.states, stateInit{s.entry, e.Bytes()})
		return nil
	})
}

// Get returns the state of the worker that runs the task that received ctx. It panics if there is
// none: outside of a task, or in a pool without this Initializer.
func (s *State[A, S]) Get(ctx context.Context) S {
	item := currentItem(ctx)
	if item == nil {
		panic(fmt.Sprintf("mapreduce: %s: Get outside of a task", s.entry.name))
	}
	state, ok := item.chunk.states[s.entry].(S)
	if !ok {
		panic(fmt.Sprintf("mapreduce: %s: the pool has no such Initializer", s.entry.name))
	}
	return state
}
