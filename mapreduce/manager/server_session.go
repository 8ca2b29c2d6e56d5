package manager

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"mrrun/transport"
)

// maxUnsent is how many bytes of answers may collect before serve sends them even though more calls
// have arrived.
const maxUnsent = 1 << 20

// A session is the server's side of one client's connection.
type session struct {
	srv     *Server
	conn    net.Conn
	carrier carrier // the connection, or the shared memory that replaces it after the greeting
	in      *transport.Reader
	out     *transport.Writer
	limit   uint64 // the largest message that the client takes, in bytes
	key     uint64 // of the client; 0 until it sends a proxy
	ctx     context.Context
	cancel  context.CancelFunc

	now    request  // the call that serve handles, reused for each
	unsent int      // bytes of answers that serve has not flushed yet
	undos  []func() // of the answers that serve has not flushed yet

	waiting sync.WaitGroup // the goroutines of calls that wait, and of what it leaves
	mu      sync.Mutex
	cancels map[uint32]context.CancelFunc // of those calls, by tag
	waits   map[uint64]int                // the number of those calls, by object
	uses    map[uint64]*keptObject        // the objects that the session refers to, by id

	awaits []*awaited // the locks that the session waits for; guarded by the server's waits
}

func newSession(ctx context.Context, srv *Server, conn net.Conn) *session {
	s := &session{
		srv: srv, conn: conn, limit: srv.o.limit,
		uses: make(map[uint64]*keptObject), cancels: make(map[uint32]context.CancelFunc), waits: make(map[uint64]int),
	}
	s.use(conn)
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.now = request{s: s, in: transport.NewDecoder(nil)}
	return s
}

func (s *session) use(l carrier) {
	s.carrier, s.in, s.out = l, transport.NewReader(l, s.srv.o.limit), transport.NewWriter(l)
}

// serve answers calls until the connection or the session's ctx ends. When it returns, no call of
// the session is under way any more.
func (s *session) serve() (err error) {
	stop := context.AfterFunc(s.ctx, func() { cut(s.conn) })
	defer func() {
		s.cancel()
		stop()
		cut(s.conn)
		s.waiting.Wait()
		s.takeBack()
	}()
	if err := s.greet(); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	defer s.carrier.Close()
	var heard time.Time
	for {
		if now := time.Now(); now.Sub(heard) > s.srv.o.silence/4 {
			heard = now
			_ = s.carrier.SetDeadline(now.Add(s.srv.o.silence))
		}
		f, err := s.in.Next()
		if err != nil {
			return err
		}
		if err := s.handle(f); err != nil {
			return err
		}
		if !s.in.Buffered() || s.unsent > maxUnsent {
			if err := s.out.Flush(); err != nil {
				return err
			}
			s.undos, s.unsent = s.undos[:0], 0
		}
	}
}

// greet exchanges greetings within a time limit, so that a connection without a client on it does
// not occupy the server.
func (s *session) greet() error {
	_ = s.conn.SetDeadline(time.Now().Add(s.srv.o.greeting))
	if h, ok := s.conn.(interface{ HandshakeContext(context.Context) error }); ok {
		if err := h.HandshakeContext(s.ctx); err != nil {
			return err
		}
	}
	carrier, limit, err := greetClient(s.conn, greeting{s.srv.instance, s.srv.o.limit})
	if err != nil {
		return err
	}
	s.limit = limit
	s.use(carrier)
	return nil
}

// handle handles one frame. An error ends the session: the client violates the protocol, or is
// gone.
func (s *session) handle(f transport.Frame) error {
	switch f.Kind {
	case kindCall:
		return s.handleCall(f)
	case kindTell:
		return s.handleTell(f)
	case kindCancel:
		s.mu.Lock()
		cancel := s.cancels[f.Tag]
		s.mu.Unlock()
		if cancel != nil {
			cancel()
		}
		return nil
	case kindPing:
		_, err := s.out.Add(kindPong, f.Tag, nil)
		return err
	}
	return fmt.Errorf("%w: kind %d", transport.ErrFormat, f.Kind)
}

// object returns the object with an id, to which the session refers from now on, or nil if there is
// none.
func (s *session) object(id uint64) *keptObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.uses[id]
	if e == nil {
		if e = s.srv.hold(id); e != nil {
			s.uses[id] = e
		}
	}
	return e
}

// adopt records that the session refers to an object that its client has got. The reference that
// came with the object becomes the session's.
func (s *session) adopt(e *keptObject) {
	s.mu.Lock()
	has := s.uses[e.id] != nil
	s.uses[e.id] = e
	s.mu.Unlock()
	if has {
		s.srv.drop(e)
	}
}

// caught turns a panic of an object's method into an error, so that the server goes on.
func (s *session) caught(err *error) {
	if p := recover(); p != nil {
		s.srv.o.log.Error("manager: a method has panicked", "panic", p, "stack", string(debug.Stack()))
		*err = fmt.Errorf("panic: %v", p)
	}
}

// takeBack undoes, last first, the calls whose answers were never sent.
func (s *session) takeBack() {
	for i := len(s.undos) - 1; i >= 0; i-- {
		s.undos[i]()
	}
}
