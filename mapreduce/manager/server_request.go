package manager

import (
	"context"
	"errors"
	"fmt"

	"mrrun/transport"
)

// A request asks for one operation of an object.
type request struct {
	s      *session
	object uint64             // its id; 0 is the server itself
	method []byte             // a part of the frame, as the arguments are
	in     *transport.Decoder // the arguments
	out    *transport.Encoder // where the result goes

	wait func(ctx context.Context) (result []byte, err error)
	undo func() // takes the call back if its answer is not sent; may be nil
}

var errLater = errors.New("later")

// later continues the call in a goroutine of its own, where wait may block until ctx ends. The
// method must read its arguments before it returns.
func (r *request) later(wait func(ctx context.Context) (result []byte, err error)) error {
	r.wait = wait
	return errLater
}

// newRequest returns the request of a frame, and the object that it is for. The request is used
// again for the next frame.
func (s *session) newRequest(f transport.Frame) (r *request, object uint64, err error) {
	r = &s.now
	r.in.Reset(f.Body)
	r.wait, r.undo = nil, nil
	object, r.method, err = parseCall(r.in)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: call: %w", transport.ErrFormat, err)
	}
	return r, object, nil
}

// handleTell handles a request that needs no answer.
func (s *session) handleTell(f transport.Frame) error {
	r, id, err := s.newRequest(f)
	if err != nil {
		return err
	}
	switch op(r.method) {
	case opDepart, opArrive, opClose, opTakeBack:
		_ = s.dispatch(id, r) // the object may be gone already
		return nil
	}
	return fmt.Errorf("%w: %q is not a call without an answer", transport.ErrFormat, r.method)
}

func (s *session) handleCall(f transport.Frame) error {
	r, id, err := s.newRequest(f)
	if err != nil {
		return err
	}
	s.unsent, err = s.out.Add(kindResult, f.Tag, func(e *transport.Encoder) error {
		r.out = e
		start := e.Len()
		if err := s.dispatch(id, r); err != nil {
			return err
		}
		return s.fits(e.Len() - start)
	})
	switch {
	case err == errLater:
		return s.waitFor(id, f.Tag, r.wait, r.undo)
	case err != nil:
		if r.undo != nil {
			r.undo()
		}
		return s.fail(f.Tag, err)
	case r.undo != nil:
		s.undos = append(s.undos, r.undo)
	}
	return nil
}

// dispatch runs a call, or the part of it that does not wait.
func (s *session) dispatch(id uint64, r *request) (err error) {
	defer s.caught(&err)
	r.object = id
	if id == 0 {
		return serverOps.run(s, r, "manager")
	}
	e := s.object(id)
	if e == nil {
		return fmt.Errorf("%w: number %d; perhaps its client has gone", ErrNoObject, id)
	}
	return e.call(r)
}

// waitFor starts a goroutine that runs the part of a call that may wait, and then answers the call.
// It refuses a call whose tag is in use, and more than maxWaiting calls.
func (s *session) waitFor(id uint64, tag uint32, wait func(context.Context) ([]byte, error), undo func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancelCause(s.ctx)
	switch {
	case s.cancels[tag] != nil:
		cancel(fmt.Errorf("%w: two calls have the tag %d", transport.ErrFormat, tag))
	case len(s.cancels) >= s.srv.o.maxWaiting:
		cancel(fmt.Errorf("%w: %d calls of this client are already waiting", ErrBusy, len(s.cancels)))
	default:
		s.cancels[tag] = func() { cancel(nil) }
	}
	s.waits[id]++
	refused := ctx.Err() != nil && s.ctx.Err() == nil
	s.waiting.Go(func() {
		var result []byte
		err := errGoexit // unless wait returns
		defer func() { s.answer(tag, result, err, undo) }()
		defer func() {
			if refused && err == context.Canceled {
				err = context.Cause(ctx)
			}
			s.waited(id, tag, refused)
			cancel(nil)
		}()
		defer s.caught(&err)
		if result, err = wait(ctx); err == nil {
			err = s.fits(len(result))
		}
	})
	return nil
}

var errGoexit = errors.New("the method called runtime.Goexit")

// answer sends the result of a call that waited, or its error. It calls undo if the client cannot
// have got the result.
func (s *session) answer(tag uint32, result []byte, err error, undo func()) {
	var unsent error
	if err != nil {
		unsent = s.fail(tag, err)
	} else {
		_, unsent = s.out.Add(kindResult, tag, func(e *transport.Encoder) error { _, err := e.Write(result); return err })
	}
	sent := unsent == nil && s.ctx.Err() == nil && s.out.Flush() == nil
	if undo != nil && (err != nil || !sent) {
		undo()
	}
}

// waited deletes what waitFor has recorded. A refused call has no entry in cancels: one with its
// tag is another call's.
func (s *session) waited(id uint64, tag uint32, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !refused {
		delete(s.cancels, tag)
	}
	if s.waits[id]--; s.waits[id] == 0 {
		delete(s.waits, id)
	}
}

// fits returns an error if the client does not take an answer of size bytes.
func (s *session) fits(size int) error {
	if uint64(size) > s.limit {
		return fmt.Errorf("answer: %w that this client takes: see MaxMessage", &transport.SizeError{Size: uint64(size), Limit: s.limit})
	}
	return nil
}

func (s *session) fail(tag uint32, failure error) error {
	_, err := s.out.Add(kindFailure, tag, func(e *transport.Encoder) error { encodeFailure(e, failure, s.limit/2); return nil })
	return err
}
