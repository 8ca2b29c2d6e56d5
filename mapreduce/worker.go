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

	"mrrun/mapreduce/internal/flusher"
	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

const (
	// flushAfter is how long a finished result may wait for others before it is sent.
	flushAfter = 200 * time.Microsecond
	// flushBytes is how many bytes of results are sent without waiting for more.
	flushBytes = 64 << 10

	exitBroken = 71 // the driver sent something that is not a request
	exitGoexit = 72 // a task ended the goroutine that it ran on
)

// A worker computes chunks, in a process or in a goroutine of its driver. One goroutine reads
// requests, so that a cancel arrives while a task runs; another runs the chunks in order.
type worker struct {
	process  *proc.Worker
	host     *host // set if the worker is a goroutine; nil in a process
	in       *transport.Reader
	out      *transport.Writer
	queue    *mailbox[request]
	calls    map[uint32]*openCall // by number of the call; only the reader uses it
	states   map[*entry]any       // made by the reader before the first call opens
	exits    []stateExit          // of states
	filters  map[*command]*filter
	flusher  *flusher.Flusher             // sends answers even while a long task runs
	quit     chan struct{}                // closed by serve at its end
	deadline atomic.Pointer[itemDeadline] // of the running item; nil: it has none
	logLevel atomic.Uint64                // of the call whose items run, see lowestLevel
	running  bool                         // a task or an exit function runs
	coding   codingSample
}

// An openCall is what a worker knows about a call that may send it chunks.
type openCall struct {
	callHead
	run    runner
	err    error // why the call could not be opened; nil: it is open
	ctx    context.Context
	cancel context.CancelCauseFunc
	files  openFiles // of a job
}

type request struct {
	tag  uint32
	call *openCall // nil: stop the worker
	chunkHead
	args    transport.Frame // its body is what follows the head
	release func()          // releases args that lie in shared memory; nil: they do not
}

func newWorker(p *proc.Worker, h *host) *worker {
	var wrap wrapping
	if h != nil {
		wrap = h.options.wrap
	}
	w := &worker{
		process: p,
		host:    h,
		in:      transport.NewReader(wrap.reader(p.Requests), 0),
		out:     transport.NewWriter(wrap.writer(p.Answers)),
		queue:   newMailbox[request](),
		calls:   make(map[uint32]*openCall),
		states:  make(map[*entry]any),
		filters: make(map[*command]*filter),
		quit:    make(chan struct{}),
	}
	w.flusher = flusher.New(w.out)
	if p.Shares {
		w.in.UseShared(p.KeepShared) // kept until the process ends
		w.out.UseShared(p.KeepShared)
	}
	return w
}

// serve is the whole life of a worker. It does not return.
func (w *worker) serve() {
	defer close(w.quit)
	defer func() {
		if p := recover(); p != nil {
			panic(p) // returning from here would let the process go on as a driver
		}
		w.endFiltersSoon()
		if w.running && !w.process.Left() { // runtime.Goexit would leave a worker that does nothing
			fmt.Fprintln(os.Stderr, "a task, or an exit function, called runtime.Goexit, which ends its worker")
			w.process.Exit(exitGoexit)
		}
	}()
	if err := w.process.Hello(table()); err != nil {
		w.process.Abandon()
	}
	if w.host == nil {
		slog.SetDefault(slog.New(&logHandler{worker: w})) // the hello must be the first frame
	}
	go w.read()
	go w.flusher.Run(w.quit, func(error) { w.process.Abandon() })
	w.work()
	for _, call := range w.calls { // the reader has ended
		call.files.close()
	}
	w.out.SendWhole() // results in this process's shared memory would vanish with it
	w.running = true
	status := w.leave()
	w.running = false
	w.sayLastWord()
	w.process.Exit(status)
}

// read takes requests until the driver says stop. If the requests end without a stop, the driver is
// gone.
func (w *worker) read() {
	var batch []request
	var args []byte // the arguments of the batch: the reader reuses its own buffer
	head := transport.NewDecoder(nil)
	for {
		f, err := w.in.Next()
		if err != nil {
			w.driverLost(err)
		}
		switch f.Kind {
		case kindChunk:
			r, err := w.chunk(f, head, &args)
			if err != nil {
				w.driverLost(err)
			}
			batch = append(batch, r)
		case kindState:
			if err := w.makeState(f.Body); err != nil {
				w.driverLost(err)
			}
		case kindOpen:
			if err := w.process.LimitMemory(); err != nil { // by now its states are made
				w.driverLost(err)
			}
			w.calls[f.Tag] = newOpenCall(f.Body)
		case kindCancel:
			if call := w.calls[f.Tag]; call != nil {
				call.cancel(decodeCause(f.Body))
			}
		case kindExpire:
			offset, err := transport.NewDecoder(f.Body).Uint()
			if err != nil {
				w.driverLost(err)
			}
			w.expire(f.Tag, int(offset))
		case kindForget:
			if call := w.calls[f.Tag]; call != nil {
				call.cancel(nil)
				call.files.close()
				delete(w.calls, f.Tag)
			}
		case kindProfile:
			in := transport.NewDecoder(f.Body)
			kind, err := in.String()
			d, derr := in.Uint()
			if err := errors.Join(err, derr); err != nil {
				w.driverLost(err)
			}
			go w.profile(f.Tag, kind, time.Duration(d))
		case proc.KindStop:
			w.queue.put(append(batch, request{})...)
			return
		default:
			w.driverLost(fmt.Errorf("unknown kind %d of request", f.Kind))
		}
		if !w.in.Buffered() {
			w.queue.put(batch...)
			batch, args = batch[:0], nil
		}
	}
}

// chunk returns the request of a frame that head reads. If its arguments are not in shared memory, it
// copies them to args.
func (w *worker) chunk(f transport.Frame, head *transport.Decoder, args *[]byte) (r request, err error) {
	r.tag = f.Tag
	head.Reset(f.Body)
	if err := r.chunkHead.decode(head); err != nil {
		return r, err
	}
	if r.call = w.calls[uint32(r.callID)]; r.call == nil {
		return r, fmt.Errorf("chunk of call %d, which was not opened", r.callID)
	}
	f.Body = head.Rest()
	if r.release = w.in.Keep(); r.release == nil {
		start := len(*args)
		*args = append(*args, f.Body...)
		f.Body = (*args)[start:len(*args):len(*args)]
	}
	r.args = f
	return r, nil
}

// driverLost ends a worker that has no driver any more, and every process that its tasks started.
func (w *worker) driverLost(err error) {
	defer w.queue.put(request{}) // this and the loop are for a worker that is a goroutine
	for _, call := range w.calls {
		call.cancel(errDriverLost)
		call.files.close()
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, os.ErrClosed) {
		fmt.Fprintf(os.Stderr, "worker %d: request from the driver: %v\n", w.process.ID, err)
		w.process.Exit(exitBroken)
	}
	w.process.Abandon()
}

var errDriverLost = errors.New("the driver is gone, or has given up this worker")

func newOpenCall(body []byte) *openCall {
	c := &openCall{}
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
	c.params = nil // it lies in a buffer that is reused
	return c
}
