package manager

import (
	"time"

	"mrrun/transport"
)

// A travel is a reference to an object while proxies of it are under way that one client has sent.
type travel struct {
	e     *entry
	count int         // proxies that nobody has used
	end   *time.Timer // nil: the sender has the object itself
}

// A travelKey is the object and the key of the sender.
type travelKey struct{ id, sender uint64 }

// travelOf takes the arguments of "Depart" and "Arrive".
func travelOf(args *transport.Decoder) (k travelKey, err error) {
	if k.id, err = args.Uint(); err == nil {
		k.sender, err = args.Uint()
	}
	return k, err
}

// depart notes that a proxy is under way that s has sent.
func (s *session) depart(args *transport.Decoder) error {
	k, err := travelOf(args)
	if err != nil {
		return err
	}
	s.mu.Lock()
	uses := s.uses[k.id] != nil
	s.mu.Unlock()
	s.key = k.sender
	s.srv.depart(k, uses)
	return nil
}

// arrive has s use an object from now on, of which a proxy is under way no more.
func (s *session) arrive(args *transport.Decoder) error {
	k, err := travelOf(args)
	if err != nil {
		return err
	}
	s.entry(k.id)
	s.srv.arrive(k)
	return nil
}

func (srv *Server) depart(k travelKey, senderUses bool) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	t := srv.travels[k]
	if t == nil {
		e := srv.objects[k.id]
		if e == nil {
			return
		}
		e.refs++
		t = &travel{e: e}
		srv.travels[k] = t
	}
	t.count++
	if senderUses && t.end != nil {
		t.end.Stop()
		t.end = nil
	} else if !senderUses {
		srv.timeTravel(k, t)
	}
}

func (srv *Server) arrive(k travelKey) {
	srv.mu.Lock()
	t := srv.travels[k]
	if t != nil {
		t.count--
	}
	over := t != nil && t.count <= 0
	if over {
		delete(srv.travels, k)
		if t.end != nil {
			t.end.Stop()
		}
	}
	srv.mu.Unlock()
	if over {
		srv.drop(t.e)
	}
}

// letsGo is called when a session lets an object go of which it may have sent proxies.
func (srv *Server) letsGo(id uint64, s *session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	k := travelKey{id, s.key}
	if t := srv.travels[k]; t != nil && s.key != 0 {
		srv.timeTravel(k, t)
	}
}

// answers notes that the proxies in a value that stays are under way to who gets it. The session of who takes a value away uses
// what that refers to from then on.
func (srv *Server) answers(v stored) {
	if len(v.refs) == 0 {
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, e := range v.refs {
		k := travelKey{e.id, managersKey}
		if srv.travels[k] == nil {
			e.refs++
			srv.travels[k] = &travel{e: e}
		}
		srv.travels[k].count++
		srv.timeTravel(k, srv.travels[k])
	}
}

// timeTravel has a travel end in a while, from now on. The caller holds mu.
func (srv *Server) timeTravel(k travelKey, t *travel) {
	if t.end != nil {
		t.end.Reset(srv.o.underWay)
		return
	}
	t.end = time.AfterFunc(srv.o.underWay, func() {
		srv.mu.Lock()
		is := srv.travels[k] == t
		if is {
			delete(srv.travels, k)
		}
		srv.mu.Unlock()
		if is {
			srv.drop(t.e)
		}
	})
}
