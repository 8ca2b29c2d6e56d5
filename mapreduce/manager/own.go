package manager

import (
	"fmt"

	"mrrun/transport"
)

// makers make the objects that a client can ask for, by what they are, from the arguments of "New".
var makers = map[string]func(s *session, args *transport.Decoder) (object, error){}

// own runs a method of the server itself, which is object 0.
func (s *session) own(c *call) error {
	switch string(c.method) {
	case "New":
		return s.newObject(c)
	case "Close":
		id, err := c.in.Uint()
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
			return nil // what a call that waits for it gets of it is let go at the end of the session, with the reference
		}
		s.srv.letsGo(id, s)
		e.leave(s)
		s.srv.drop(e)
		return nil
	case "Depart":
		return s.depart(c.in)
	case "Arrive":
		return s.arrive(c.in)
	case "Func":
		return s.callFunction(c)
	}
	return c.unknown("manager")
}

func (s *session) newObject(c *call) error {
	kind, err := c.in.String()
	if err != nil {
		return err
	}
	signature, err := c.in.String()
	if err != nil {
		return err
	}
	name, err := c.in.String()
	if err != nil {
		return err
	}
	maker := makers[kind]
	if maker == nil {
		return fmt.Errorf("%w: the manager makes no %q", ErrType, kind)
	}
	e, err := s.srv.add(name, signature, func() (object, error) { return maker(s, c.in) })
	if err != nil {
		return err
	}
	s.adopt(e)
	c.out.Uint(e.id)
	return nil
}
