package manager

import (
	"fmt"
	"strings"

	"mrrun/transport"
)

// makers holds, by kind, the functions that make the objects that clients ask for, from the
// arguments of "New". [Register] adds to it.
var makers = map[string]func(s *session, args *transport.Decoder) (object, error){
	"array":     newArrayObject,
	"barrier":   newBarrierObject,
	"bounded":   newBoundedObject,
	"dict":      newDictObject,
	"event":     func(*session, *transport.Decoder) (object, error) { return &eventObject{}, nil },
	"list":      newListObject,
	"lock":      func(*session, *transport.Decoder) (object, error) { return &lockObject{}, nil },
	"pool":      newPoolObject,
	"queue":     newQueueObject,
	"rlock":     func(*session, *transport.Decoder) (object, error) { return &lockObject{again: true}, nil },
	"semaphore": newSemaphoreObject,
	"value":     newValueObject,
}

// sizes names what the first argument counts, for the kinds that have a fixed size.
var sizes = map[string]string{
	"array": "elements", "queue": "values", "semaphore": "permits", "bounded": "permits", "barrier": "parties", "pool": "workers",
}

// whatIs returns the nature of the object that a client asks for. A named object serves only the
// clients that ask for its nature: see [nature.serves].
func whatIs(kind, signature string, args []byte) (nature, error) {
	is := nature{kind: kind, text: signature}
	if kind == "bounded" {
		is.text = "bounded " + signature
	}
	if unit := sizes[kind]; unit != "" {
		n, err := transport.NewDecoder(args).Uint()
		if err != nil {
			return is, err
		}
		is.size = n
		is.text += fmt.Sprintf(" of %d %s", n, unit)
	}
	if name, ok := strings.CutPrefix(kind, "object "); ok {
		is.text = fmt.Sprintf("%s that is registered as %q", signature, name)
	}
	return is, nil
}

// serverOps are those of the server itself, which is object 0.
var serverOps = ops[*session]{
	opNew:    (*session).newObject,
	opClose:  (*session).closeObject,
	opDepart: (*session).depart,
	opArrive: (*session).arrive,
	opFunc:   (*session).callFunction,
}

func (s *session) newObject(r *request) error {
	kind, err := r.in.String()
	if err != nil {
		return err
	}
	signature, err := r.in.String()
	if err != nil {
		return err
	}
	name, err := r.in.String()
	if err != nil {
		return err
	}
	maker := makers[kind]
	if maker == nil {
		return fmt.Errorf("%w: the manager makes no %q", ErrType, kind)
	}
	is, err := whatIs(kind, signature, r.in.Rest())
	if err != nil {
		return err
	}
	e, err := s.srv.add(name, is, func() (object, error) { return maker(s, r.in) })
	if err != nil {
		return err
	}
	s.adopt(e)
	r.out.Uint(e.id)
	return nil
}

// closeObject ends the session's use of an object.
func (s *session) closeObject(r *request) error {
	id, err := r.in.Uint()
	if err != nil {
		return err
	}
	s.mu.Lock()
	e, waits := s.uses[id], s.waits[id] > 0
	if !waits {
		delete(s.uses, id)
	}
	s.mu.Unlock()
	if e == nil || waits {
		return nil // the end of the session releases what the calls waiting for e get, and drops e
	}
	s.srv.letsGo(id, s)
	e.leave(s)
	s.srv.drop(e)
	return nil
}
