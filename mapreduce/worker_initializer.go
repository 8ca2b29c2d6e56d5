package mapreduce

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"mrrun/internal/shm"
	"mrrun/transport"
)

// begin makes the state in a worker. It also returns the exit function, which is nil if there is
// none.
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

// sending returns how driver and worker send from now on. An initializer that has changed the user
// has put the files of the driver, which shared memory is, out of reach.
func (w *worker) sending() (tag uint32) {
	if !w.process.Shares || shm.FindsParent() {
		return 0
	}
	w.out.SendWhole()
	return sendWhole
}

// makeState makes a state in the worker at the request of the driver's initStates, and answers it.
func (w *worker) makeState(body []byte) error {
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
			defer w.queue.put(request{}) // stops a worker that is a goroutine; a process has ended
			w.process.Exit(exitGoexit)
		}
	}()
	state, exit, failure := e.state(in)
	made = true
	if failure == nil {
		w.states[e] = state
		if exit != nil {
			w.exits = append(w.exits, stateExit{e.name, exit})
		}
	}
	_, err = w.out.Add(kindMade, w.sending(), func(out *transport.Encoder) error {
		if failure != nil {
			encodeFailure(out, failure)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.send()
	return nil
}
