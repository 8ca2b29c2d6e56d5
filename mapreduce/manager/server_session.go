package manager

import (
	"context"
	"errors"
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
	srv    *Server
	conn   net.Conn
	link   link // the connection, or the shared memory that replaces it after the greeting
	in     *transport.Reader
	out    *transport.Writer
	limit  uint64 // the largest message that the client takes, in bytes
	key    uint64 // of the client; 0 until it sends a proxy
	ctx    context.Context
	cancel context.CancelFunc

	now    call     // the call that serve handles, reused for each
	unsent int      // bytes of answers that serve has not flushed yet
	undos  []func() // of the answers that serve has not flushed yet

	waiting sync.WaitGroup // the goroutines of calls that wait, and of what it leaves
	mu      sync.Mutex
	cancels map[uint32]context.CancelFunc // of those calls, by tag
	waits   map[uint64]int                // the number of those calls, by object
	uses    map[uint64]*entry             // the objects that the session refers to, by id

	awaits []*awaited // the locks that the session waits for; guarded by the server's waits
}

// A call is a call of one method of an object.
type call struct {
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
func (c *call) later(wait func(ctx context.Context) (result []byte, err error)) error {
	c.wait = wait
	return errLater
}

func newSession(ctx context.Context, srv *Server, conn net.Conn) *session {
	s := &session{
		srv: srv, conn: conn, limit: srv.o.limit,
		uses: make(map[uint64]*entry), cancels: make(map[uint32]context.CancelFunc), waits: make(map[uint64]int),
	}
	s.use(conn)
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.now = call{s: s, in: transport.NewDecoder(nil)}
	return s
}

func (s *session) use(l link) {
	s.link, s.in, s.out = l, transport.NewReader(l, s.srv.o.limit), transport.NewWriter(l)
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
	defer s.link.Close()
	var heard time.Time
	for {
		if now := time.Now(); now.Sub(heard) > s.srv.o.silence/4 {
			heard = now
			_ = s.link.SetDeadline(now.Add(s.srv.o.silence))
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
	link, limit, err := greetClient(s.conn, greeting{s.srv.instance, s.srv.o.limit})
	if err != nil {
		return err
	}
	s.limit = limit
	s.use(link)
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

// newCall returns the call of a frame, and the object that it is for. The call is used again for the
// next frame.
func (s *session) newCall(f transport.Frame) (c *call, object uint64, err error) {
	c = &s.now
	c.in.Reset(f.Body)
	c.wait, c.undo = nil, nil
	object, c.method, err = parseCall(c.in)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: call: %w", transport.ErrFormat, err)
	}
	return c, object, nil
}

// handleTell handles a call that needs no answer.
func (s *session) handleTell(f transport.Frame) error {
	c, id, err := s.newCall(f)
	if err != nil {
		return err
	}
	switch op(c.method) {
	case opDepart, opArrive, opClose, opTakeBack:
		_ = s.dispatch(id, c) // the object may be gone already
		return nil
	}
	return fmt.Errorf("%w: %q is not a call without an answer", transport.ErrFormat, c.method)
}

func (s *session) handleCall(f transport.Frame) error {
	c, id, err := s.newCall(f)
	if err != nil {
		return err
	}
	s.unsent, err = s.out.Add(kindResult, f.Tag, func(e *transport.Encoder) error {
		c.out = e
		start := e.Len()
		if err := s.dispatch(id, c); err != nil {
			return err
		}
		return s.fits(e.Len() - start)
	})
	switch {
	case err == errLater:
		return s.waitFor(id, f.Tag, c.wait, c.undo)
	case err != nil:
		if c.undo != nil {
			c.undo()
		}
		return s.fail(f.Tag, err)
	case c.undo != nil:
		s.undos = append(s.undos, c.undo)
	}
	return nil
}

// dispatch runs a call, or the part of it that does not wait.
func (s *session) dispatch(id uint64, c *call) (err error) {
	defer s.caught(&err)
	c.object = id
	if id == 0 {
		return serverOps.run(s, c, "manager")
	}
	e := s.entry(id)
	if e == nil {
		return fmt.Errorf("%w: number %d; perhaps its client has gone", ErrNoObject, id)
	}
	return e.call(c)
}

// entry returns the object with an id, to which the session refers from now on, or nil if there is
// none.
func (s *session) entry(id uint64) *entry {
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
func (s *session) adopt(e *entry) {
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

// takeBack undoes, last first, the calls whose answers were never sent.
func (s *session) takeBack() {
	for i := len(s.undos) - 1; i >= 0; i-- {
		s.undos[i]()
	}
}
