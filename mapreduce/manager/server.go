package manager

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// An object is what a server keeps. Its methods are called by many sessions at a time.
type object interface {
	// call runs one method without blocking: what has to wait is left to [call.later].
	call(c *call) error

	// leave lets go what a session holds that has ended; none of its calls is under way any more.
	leave(s *session)
}

// An entry is an object with what the server knows about it.
type entry struct {
	object
	id    uint64
	is    nature
	refs  int  // sessions that use it, places that have it as a value, travels; guarded by the server's mu
	named bool // it stays without them
}

// A nature is what an object is.
type nature struct {
	kind string
	size uint64 // 0 for kinds without one
	text string // with its types and size, for errors
}

// serves reports whether an object can be had by a client that asks for another nature. A pool of 0 workers is one of any number.
func (n nature) serves(asked nature) bool {
	return n == asked || n.kind == "pool" && asked.kind == "pool" && asked.size == 0
}

// A Server keeps objects and serves them to clients. It is safe for concurrent use.
type Server struct {
	instance string
	o        options

	mu       sync.Mutex // never held while anything waits
	objects  map[uint64]*entry
	names    map[string]*entry
	last     uint64
	travels  map[travelKey]*travel
	sessions map[*session]struct{}
}

// NewServer makes a server without objects. It serves when [Server.Serve] is called.
func NewServer(opts ...Option) *Server {
	return &Server{
		instance: rand.Text(), o: makeOptions(opts),
		objects: make(map[uint64]*entry), names: make(map[string]*entry), sessions: make(map[*session]struct{}),
		travels: make(map[travelKey]*travel),
	}
}

// Serve accepts clients on l, which it owns, until ctx ends; it returns when the last one is gone. It may be called for
// several listeners at a time. Whoever can connect can use all objects: see [ListenLocal] and package remote for listeners that
// see to that.
func (srv *Server) Serve(ctx context.Context, l net.Listener) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
				continue
			}
			if errors.Is(err, net.ErrClosed) || !tooManyFiles(err) {
				return fmt.Errorf("manager: accept: %w", err)
			}
			srv.o.log.Warn("manager: accept", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond): // until a client has left
			}
			continue
		}
		s := newSession(ctx, srv, conn)
		if !srv.admit(s) {
			srv.o.log.Warn("manager: refused, too many connections", "from", conn.RemoteAddr(), "limit", srv.o.maxConns)
			s.cancel()
			_ = conn.Close()
			continue
		}
		sessions.Go(func() {
			defer srv.dismiss(s)
			if err := s.serve(); err != nil && err != io.EOF && ctx.Err() == nil {
				srv.o.log.Warn("manager: connection ended", "from", conn.RemoteAddr(), "error", err)
			}
		})
	}
}

// Serve serves clients on l until ctx ends: see [Server.Serve].
func Serve(ctx context.Context, l net.Listener, opts ...Option) error {
	return NewServer(opts...).Serve(ctx, l)
}

func (srv *Server) admit(s *session) bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.sessions) >= srv.o.maxConns {
		return false
	}
	srv.sessions[s] = struct{}{}
	return true
}

// dismiss lets go all that an ended session held.
func (srv *Server) dismiss(s *session) {
	for _, e := range s.uses {
		srv.letsGo(e.id, s)
		e.leave(s)
		srv.drop(e)
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s)
}

// add keeps a new object, or returns the one of that name, with one more reference.
func (srv *Server) add(name string, is nature, o func() (object, error)) (*entry, error) {
	if e, err := srv.named(name, is); e != nil || err != nil {
		return e, err
	}
	made, err := o()
	if err != nil {
		return nil, err
	}
	fresh := &entry{object: made, is: is, refs: 1, named: name != ""}
	e, err := srv.insert(name, fresh)
	if e != fresh {
		srv.empty(made)
	}
	return e, err
}

// insert keeps a new object, unless another client was faster to make one of that name: it returns that one then.
func (srv *Server) insert(name string, fresh *entry) (*entry, error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if other, err := srv.known(name, fresh.is); other != nil || err != nil {
		return other, err
	}
	srv.last++
	fresh.id = srv.last
	srv.objects[fresh.id] = fresh
	if name != "" {
		srv.names[name] = fresh
	}
	return fresh, nil
}

// named returns the object of a name, or nil.
func (srv *Server) named(name string, is nature) (*entry, error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.known(name, is)
}

// known is named for who holds mu.
func (srv *Server) known(name string, asked nature) (*entry, error) {
	e := srv.names[name]
	if e == nil {
		return nil, nil
	}
	if !e.is.serves(asked) {
		return nil, fmt.Errorf("%w: %q is a %s, not a %s", ErrType, name, e.is.text, asked.text)
	}
	e.refs++
	return e, nil
}

// hold returns an object with one more reference, or nil.
func (srv *Server) hold(id uint64) *entry {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	e := srv.objects[id]
	if e != nil {
		e.refs++
	}
	return e
}

// drop takes a reference back. The last one takes the object with it, and what that refers to.
func (srv *Server) drop(e *entry) {
	srv.mu.Lock()
	e.refs--
	gone := e.refs == 0 && !e.named
	if gone {
		delete(srv.objects, e.id)
	}
	srv.mu.Unlock()
	if gone {
		srv.empty(e.object)
	}
}

// empty lets go what an object refers to that is no more.
func (srv *Server) empty(o object) {
	if holder, ok := o.(interface{ dropAll(*Server) }); ok {
		holder.dropAll(srv)
	}
}
