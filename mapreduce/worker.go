package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

const (
	// flushAfter is how long a finished result may wait for others before it is sent.
	flushAfter = 200 * time.Microsecond
	// flushBytes of results are sent without waiting for more.
	flushBytes = 64 << 10

	exitBroken = 71 // the driver sent what is no request
	exitGoexit = 72 // a task ended the goroutine that it ran on
)

// A server is a worker at work: one goroutine reads requests, so that a cancel gets through while a task runs, and one
// runs chunks in order.
type server struct {
	worker   *proc.Worker
	host     *host // of a worker that is a goroutine; nil in a process
	in       *transport.Reader
	out      *transport.Writer
	queue    *mailbox[request]
	sessions map[uint32]*session // by call; the reader's
	states   map[*entry]any      // made by the reader before there are calls
	exits    []stateExit         // of states
	filters  map[*command]*filter
	flush    chan struct{}                // asks the flusher to send what waits
	quit     chan struct{}                // closed at the end of the flusher
	deadline atomic.Pointer[itemDeadline] // of the item that runs; nil: it has none
	running  bool                         // a task, or an exit function, runs
}

// A session is a call, in a worker.
type session struct {
	callHead
	run    runner
	err    error // why the call could not be opened
	ctx    context.Context
	cancel context.CancelCauseFunc
}

type request struct {
	tag     uint32
	session *session // nil: stop
	chunkHead
	args    *transport.Decoder
	release func() // of args that lie in shared memory; nil: they do not
}

func newServer(w *proc.Worker, h *host) *server {
	var wrap wrapping
	if h != nil {
		wrap = h.options.wrap
	}
	s := &server{
		worker:   w,
		host:     h,
		in:       transport.NewReader(wrap.reader(w.Requests), 0),
		out:      transport.NewWriter(wrap.writer(w.Answers)),
		queue:    newMailbox[request](),
		sessions: make(map[uint32]*session),
		states:   make(map[*entry]any),
		filters:  make(map[*command]*filter),
		flush:    make(chan struct{}, 1),
		quit:     make(chan struct{}),
	}
	if w.Shares {
		s.in.UseShared(w.KeepShared) // until the process ends
		s.out.UseShared(w.KeepShared)
	}
	return s
}

// serve is the whole life of a worker. It does not return.
func (s *server) serve() {
	defer close(s.quit)
	defer func() {
		if p := recover(); p != nil {
			panic(p) // it must not return: the process would go on as a driver
		}
		s.endFiltersSoon()
		if s.running { // runtime.Goexit would leave a worker that does nothing
			fmt.Fprintln(os.Stderr, "a task, or an exit function, called runtime.Goexit, which ends its worker")
			s.worker.Exit(exitGoexit)
		}
	}()
	if err := s.worker.Hello(table()); err != nil {
		s.worker.Abandon()
	}
	if s.host == nil {
		slog.SetDefault(slog.New(&logHandler{server: s})) // nothing must come before the hello
	}
	go s.read()
	go s.flushLate()
	s.work()
	s.out.SendWhole() // what lies in this process's memory would go with it
	s.running = true
	status := s.leave()
	s.running = false
	s.worker.Exit(status)
}

// read takes requests until the driver says stop. The end of the requests without that means that the driver is gone.
func (s *server) read() {
	var batch []request
	var args []byte // the arguments of the batch; the reader's own buffer is re-used
	for {
		f, err := s.in.Next()
		if err != nil {
			s.driverLost(err)
		}
		switch f.Kind {
		case kindChunk:
			r, err := s.chunk(f, &args)
			if err != nil {
				s.driverLost(err)
			}
			batch = append(batch, r)
		case kindState:
			if err := s.makeState(f.Body); err != nil {
				s.driverLost(err)
			}
		case kindOpen:
			if err := s.worker.LimitMemory(); err != nil { // its states are made
				s.driverLost(err)
			}
			s.sessions[f.Tag] = openSession(f.Body)
		case kindCancel:
			if call := s.sessions[f.Tag]; call != nil {
				call.cancel(decodeCause(f.Body))
			}
		case kindExpire:
			offset, err := transport.NewDecoder(f.Body).Uint()
			if err != nil {
				s.driverLost(err)
			}
			s.expire(f.Tag, int(offset))
		case kindForget:
			if call := s.sessions[f.Tag]; call != nil {
				call.cancel(nil)
				delete(s.sessions, f.Tag)
			}
		case kindProfile:
			in := transport.NewDecoder(f.Body)
			kind, err := in.String()
			d, derr := in.Uint()
			if err := errors.Join(err, derr); err != nil {
				s.driverLost(err)
			}
			go s.profile(f.Tag, kind, time.Duration(d))
		case proc.KindStop:
			s.queue.put(append(batch, request{})...)
			return
		default:
			s.driverLost(fmt.Errorf("unknown kind %d of request", f.Kind))
		}
		if !s.in.Buffered() {
			s.queue.put(batch...)
			batch, args = batch[:0], nil
		}
	}
}

func (s *server) chunk(f transport.Frame, args *[]byte) (request, error) {
	r := request{tag: f.Tag, args: transport.NewDecoder(nil)}
	r.args.ResetFrame(f)
	r.args.OwnViews()
	if err := r.chunkHead.decode(r.args); err != nil {
		return r, err
	}
	if r.session = s.sessions[uint32(r.call)]; r.session == nil {
		return r, fmt.Errorf("chunk of call %d, which was not opened", r.call)
	}
	if r.release = s.in.Keep(); r.release == nil {
		start := len(*args)
		*args = append(*args, r.args.Rest()...)
		r.args.Reset((*args)[start:len(*args):len(*args)])
	}
	return r, nil
}

// driverLost ends a worker that has no driver any more, with all that its tasks have started.
func (s *server) driverLost(err error) {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, os.ErrClosed) {
		fmt.Fprintf(os.Stderr, "worker %d: request from the driver: %v\n", s.worker.ID, err)
		s.worker.Exit(exitBroken)
	}
	for _, session := range s.sessions { // for a worker that is a goroutine, as is the next line
		session.cancel(errDriverLost)
	}
	s.queue.put(request{})
	s.worker.Abandon()
}

var errDriverLost = errors.New("the driver is gone, or has given up this worker")

func openSession(body []byte) *session {
	c := &session{}
	c.err = c.callHead.decode(transport.NewDecoder(body))
	if c.deadline.IsZero() {
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
	} else {
		d := withDeadline(context.Background(), c.deadline)
		c.ctx, c.cancel = d, d.cancel
	}
	if c.err != nil {
		return c
	}
	if e := taskByNumber(c.task); e != nil && e.open != nil {
		c.run, c.err = e.open(c.params)
	} else {
		c.err = fmt.Errorf("no task has number %d", c.task)
	}
	c.params = nil // part of a buffer that is used again
	return c
}
