package manager

import (
	"fmt"
	"strings"

	"mrrun/transport"
)

// A maker makes an object that a client asks for, from the arguments of "New".
type maker func(s *session, args *transport.Decoder) (object, error)

// ownMakers are the makers of this package, by kind.
var ownMakers = []struct {
	kind string
	make maker
}{
	{"array", newArrayObject},
	{"barrier", newBarrierObject},
	{"bounded", newBoundedObject},
	{"dict", newDictObject},
	{"event", func(*session, *transport.Decoder) (object, error) { return &eventObject{}, nil }},
	{"list", newListObject},
	{"lock", func(*session, *transport.Decoder) (object, error) { return &lockObject{}, nil }},
	{"pool", newPoolObject},
	{"queue", newQueueObject},
	{"rlock", func(*session, *transport.Decoder) (object, error) { return &lockObject{again: true}, nil }},
	{"semaphore", newSemaphoreObject},
	{"value", newValueObject},
}

// makers are those that [Register] has added.
var makers map[string]maker

// makerOf returns the maker of a kind, nil if there is none.
func makerOf(kind string) maker {
	for _, own := range ownMakers {
		if own.kind == kind {
			return own.make
		}
	}
	return makers[kind]
}

// sizeUnit names what the first argument counts, for the kinds that have a fixed size.
func sizeUnit(kind string) string {
	switch kind {
	case "array":
		return "elements"
	case "queue":
		return "values"
	case "semaphore", "bounded":
		return "permits"
	case "barrier":
		return "parties"
	case "pool":
		return "workers"
	}
	return ""
}

// whatIs returns the nature of the object that a client asks for. A named object serves only the
// clients that ask for its nature: see [nature.serves].
func whatIs(kind, signature string, args []byte) (nature, error) {
	is := nature{kind: kind, text: signature}
	if kind == "bounded" {
		is.text = "bounded " + signature
	}
	if unit := sizeUnit(kind); unit != "" {
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
	{opNew, (*session).newObject},
	{opClose, (*session).closeObject},
	{opDepart, (*session).depart},
	{opArrive, (*session).arrive},
	{opFunc, (*session).callFunction},
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
	maker := makerOf(kind)
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
