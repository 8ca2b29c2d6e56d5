package mapreduce

import (
	"fmt"

	"mrrun/transport"
)

// A stateInit is a state that each worker of a pool must make.
type stateInit struct {
	entry *entry
	arg   []byte
}

// initStates asks a new worker to make its states, and waits until it has made them.
func (l *link) initStates(requests *transport.Writer, answers *transport.Reader) error {
	for _, init := range l.host.options.states {
		f, err := l.makeState(init, requests, answers)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInitializer, init.entry.name, err)
		}
		if f.Tag == sendWhole {
			requests.SendWhole()
		}
		if len(f.Body) > 0 {
			failure, err := decodeFailure(transport.NewDecoder(f.Body))
			if err == nil {
				err = failure.ofNoItem()
			}
			return fmt.Errorf("%w: %s: %w", ErrInitializer, init.entry.name, err)
		}
	}
	return nil
}

// makeState asks for one state and returns the worker's answer.
func (l *link) makeState(init stateInit, requests *transport.Writer, answers *transport.Reader) (f transport.Frame, err error) {
	_, err = requests.Add(kindState, 0, func(out *transport.Encoder) error {
		out.Uint(uint64(init.entry.number))
		_, err := out.Write(init.arg)
		return err
	})
	if err != nil {
		return f, err
	}
	if err := requests.Flush(); err != nil {
		return f, err
	}
	for {
		f, err = answers.Next()
		if err != nil || f.Kind == kindMade {
			return f, err
		}
		if f.Kind != kindLog { // initializers may log
			return f, fmt.Errorf("it sent a message of unknown kind %d", f.Kind)
		}
		if err := l.log(f.Tag, f.Body); err != nil {
			return f, fmt.Errorf("it sent a broken log record: %v", err) // %v: err is not the pipe's EOF
		}
	}
}
