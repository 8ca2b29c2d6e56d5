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

// An object is what a server keeps. Many sessions may call its methods at the same time.
type object interface {
	// call runs one method without blocking; it leaves what has to wait to [call.later].
	call(r *request) error

	// leave releases what a session holds when the session has ended or closes the object. It does
	// not block: goroutines of the session do what has to wait. No call of an ended session is
	// under way any more.
	leave(s *session)
}

// A keptObject is an object together with what the server knows about it.
type keptObject struct {
	object
	id    uint64
	is    nature
	refs  int  // sessions that use it, values that refer to it, travels; guarded by the server's mu
	named bool // it stays when refs is 0
}

// A nature says what an object is: its kind, types and size.
type nature struct {
	kind string
	size uint64 // 0 for kinds without a size
	text string // with its types and size, for errors
}

// serves reports whether a client that asks for the nature asked can have an object of nature n. A
// pool asked for with 0 workers may be of any size.
func (n nature) serves(asked nature) bool {
	return n == asked || n.kind == "pool" && asked.kind == "pool" && asked.size == 0
}

// A Server keeps objects and serves them to clients. It is safe for concurrent use.
type Server struct {
	instance string
	o        options

	mu       sync.Mutex // never held while a goroutine waits for anything else
	objects  map[uint64]*keptObject
	names    map[string]*keptObject
	last     uint64
	travels  map[travelKey]*travel
	sessions map[*session]struct{}

	waits waits
}

// NewServer makes a server without objects. It serves once [Server.Serve] is called.
func NewServer(opts ...Option) *Server {
	return &Server{
		instance: rand.Text(), o: makeOptions(opts),
		objects: make(map[uint64]*keptObject), names: make(map[string]*keptObject), sessions: make(map[*session]struct{}),
		travels: make(map[travelKey]*travel),
	}
}

// Serve accepts clients on l, which it owns, until ctx ends; it returns when the last client is
// gone. It may be called for several listeners at the same time. Every client that can connect can
// use all objects: see [ListenLocal] and package remote for listeners that restrict which clients
// can.
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
			case <-time.After(50 * time.Millisecond): // time for a client to leave
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

// dismiss releases all that an ended session held.
func (srv *Server) dismiss(s *session) {
	for _, e := range s.uses {
		srv.letsGo(e.id, s)
		e.leave(s)
		srv.drop(e)
	}
	s.waiting.Wait()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s)
}

// add adds a new object, or returns the existing one of that name, with one more reference.
func (srv *Server) add(name string, is nature, o func() (object, error)) (*keptObject, error) {
	if e, err := srv.named(name, is); e != nil || err != nil {
		return e, err
	}
	made, err := o()
	if err != nil {
		return nil, err
	}
	fresh := &keptObject{object: made, is: is, refs: 1, named: name != ""}
	e, err := srv.insert(name, fresh)
	if e != fresh {
		srv.empty(made)
	}
	return e, err
}

// insert adds a new object. If another client has meanwhile made one of that name, it returns that
// one instead.
func (srv *Server) insert(name string, fresh *keptObject) (*keptObject, error) {
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

// named returns the object of a name with one more reference, or nil.
func (srv *Server) named(name string, is nature) (*keptObject, error) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.known(name, is)
}

// known is named for a caller that holds mu.
func (srv *Server) known(name string, asked nature) (*keptObject, error) {
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
func (srv *Server) hold(id uint64) *keptObject {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	e := srv.objects[id]
	if e != nil {
		e.refs++
	}
	return e
}

// drop removes a reference. With the last one it removes the object, and its references to other
// objects.
func (srv *Server) drop(e *keptObject) {
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

// empty drops the references of an object that no longer exists.
func (srv *Server) empty(o object) {
	if holder, ok := o.(interface{ dropAll(*Server) }); ok {
		holder.dropAll(srv)
	}
}
