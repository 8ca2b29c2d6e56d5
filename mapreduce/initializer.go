package mapreduce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"

	"mrrun/transport"
)

// A State is something that each worker makes once, before its first task, and that its tasks use: a connection, a large
// table. It is what Python's initializer does with a global variable. Its methods are safe for concurrent use.
type State[A, S any] struct {
	entry *entry
	arg   *transport.Codec[A]
	make  func(context.Context, A) (S, error)
	exit  func(S) error
}

// ErrInitializer is wrapped by the error about a [State] that could not be made. It ends the pool: the next worker would
// fail likewise.
var ErrInitializer = errors.New("initializer failed")

// NewState registers what makes a state from an argument; like [Func] it is called for a package variable. exit, if it is
// not nil, is called when a worker ends in good order, not when it is killed.
func NewState[A, S any](make func(ctx context.Context, arg A) (S, error), exit func(S) error) *State[A, S] {
	name := "state " + funcName(make)
	codec, err := transport.NewCodec[A]()
	if err != nil {
		refuse(name, "its argument", 1, err)
	}
	s := &State[A, S]{arg: codec, make: make, exit: exit}
	s.entry = register(name, fmt.Sprintf("%v → %v", reflect.TypeFor[A](), reflect.TypeFor[S]()), 1, nil)
	s.entry.state = s.begin
	return s
}

// Initializer has each worker of the pool make the state from arg before it gets work. [NewPool] returns its error.
func (s *State[A, S]) Initializer(arg A) PoolOption {
	return poolFunc(func(o *poolOptions) error {
		if s == nil || s.entry == nil {
			return errNoTask
		}
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

// Get returns the state of the worker on which the task runs that got ctx. It panics where there is none: outside of a
// task, or in a pool without this Initializer.
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

// begin makes the state in a worker.
func (s *State[A, S]) begin(in *transport.Decoder) (state any, exit func() error, err error) {
	var arg A
	if err := s.arg.Decode(in, &arg); err != nil {
		return nil, nil, fmt.Errorf("decode the argument: %w", err)
	}
	err = safely(func() (err error) {
		state, err = s.make(context.Background(), arg)
		return err
	})
	if s.exit == nil || err != nil {
		return state, nil, err
	}
	return state, func() error { return safely(func() error { return s.exit(state.(S)) }) }, nil
}

// A stateInit is a state that a pool's workers have to make.
type stateInit struct {
	entry *entry
	arg   []byte
}

// initStates has a new worker make its states.
func (l *link) initStates(requests *transport.Writer, answers *transport.Reader) error {
	for _, init := range l.pool.options.states {
		_, err := requests.Add(kindState, 0, func(out *transport.Encoder) error {
			out.Uint(uint64(init.entry.number))
			_, err := out.Write(init.arg)
			return err
		})
		if err == nil {
			err = requests.Flush()
		}
		var f transport.Frame
		if err == nil {
			f, err = answers.Next()
		}
		for err == nil && f.Kind == kindLog { // initializers may log
			if err = l.log(f.Tag, f.Body); err == nil {
				f, err = answers.Next()
			}
		}
		if err != nil {
			return fmt.Errorf("%w: %s: the worker ended: %w", ErrInitializer, init.entry.name, err)
		}
		if f.Kind != kindMade || len(f.Body) > 0 {
			failure, err := decodeFailure(transport.NewDecoder(f.Body))
			if err == nil {
				err = failure.ofNoItem()
			}
			return fmt.Errorf("%w: %s: %w", ErrInitializer, init.entry.name, err)
		}
	}
	return nil
}

// makeState is the worker's side of initStates.
func (s *server) makeState(body []byte) error {
	in := transport.NewDecoder(bytes.Clone(body))
	number, err := in.Uint()
	if err != nil {
		return err
	}
	e := taskByNumber(number)
	if e == nil || e.state == nil {
		return fmt.Errorf("no state has number %d", number)
	}
	made := false
	defer func() {
		if p := recover(); p != nil {
			panic(p)
		} else if !made {
			fmt.Fprintln(os.Stderr, "an initializer called runtime.Goexit, which ends its worker")
			s.queue.put(request{}) // for a worker that is a goroutine
			s.worker.Exit(exitGoexit)
		}
	}()
	state, exit, err := e.state(in)
	made = true
	if err == nil {
		s.states[e] = state
		if exit != nil {
			s.exits = append(s.exits, stateExit{e.name, exit})
		}
	}
	failure := err
	_, err = s.out.Add(kindMade, 0, func(out *transport.Encoder) error {
		if failure != nil {
			encodeFailure(out, failure)
		}
		return nil
	})
	if err == nil {
		s.send()
	}
	return err
}
