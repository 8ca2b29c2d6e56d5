package manager

import (
	"time"

	"mrrun/transport"
)

// A travel is a reference to an object while proxies of it that one client has sent are under way.
type travel struct {
	e     *keptObject
	count int         // proxies sent and not used yet
	end   *time.Timer // drops the reference; nil while the sender uses the object itself
}

// A travelKey is the object's id and the key of the sender.
type travelKey struct{ id, sender uint64 }

// travelOf reads the arguments of "Depart" and "Arrive".
func travelOf(args *transport.Decoder) (k travelKey, err error) {
	if k.id, err = args.Uint(); err == nil {
		k.sender, err = args.Uint()
	}
	return k, err
}

// depart records that a proxy that s has sent is under way.
func (s *session) depart(r *request) error {
	k, err := travelOf(r.in)
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

// arrive records that s uses an object from now on, and that a proxy of it is no longer under way.
func (s *session) arrive(r *request) error {
	k, err := travelOf(r.in)
	if err != nil {
		return err
	}
	s.object(k.id)
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

// letsGo limits the time of a travel when its sender lets the object go. It is called for every
// object that a session lets go.
func (srv *Server) letsGo(id uint64, s *session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	k := travelKey{id, s.key}
	if t := srv.travels[k]; t != nil && s.key != 0 {
		srv.timeTravel(k, t)
	}
}

// answers records that the proxies in a value are under way to the client that gets a copy of the
// value in an answer. A value that a client takes away needs none of this: the client's session
// takes over its references.
func (srv *Server) answers(v stored) {
	v.depart()
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

// timeTravel limits the travel to the time underWay from now on. The caller holds mu.
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
