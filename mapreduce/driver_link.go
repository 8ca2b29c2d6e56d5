package mapreduce

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/fifo"
	"mrrun/mapreduce/internal/flusher"
	"mrrun/mapreduce/internal/proc"
	"mrrun/mapreduce/internal/schedule"
	"mrrun/transport"
)

// A link is the driver's end of the connection to a worker. Its run goroutine starts the process,
// reads its answers and waits for its end; the supervisor writes its requests, which a second
// goroutine flushes.
type link struct {
	host  *host
	tell  func(...event) // handles answers
	id    int            // what users see; never reused in this pool
	name  string         // of a [Process]; empty: it is a worker of a pool
	pin   int            // 1 + the processor on which it starts; 0: any
	taken chan struct{}  // of a process started ahead: closed when a task gets it, or it ends
	gone  chan struct{}  // closed when no request is written any more
	over  chan struct{}  // closed when the process was reaped and nothing is read any more

	mu      sync.Mutex
	process *proc.Process         // nil until started
	stopped bool                  // the pool wants no process, or no longer
	greeted bool                  // it has said hello
	sent    fifo.Queue[sentChunk] // not yet answered, in order
	done    struct {              // the chunk answered last
		tag   uint32
		first int
	}
	reason  error // why the driver ended it
	stacks  stackReport
	unshare func() // releases the memory shared with the worker

	greetedAt time.Time     // written before it is ready
	toldAt    time.Time     // when it was told to end; written, like exitTime, before stop returns
	exitTime  time.Duration // from then until it had ended

	leaving     chan struct{} // closed when it begins to end in good order
	leavingWith string        // its last work, guarded by mu; empty: it is not leaving

	answersFrom *transport.Reader // used by the run goroutine, from the process's start on

	logs logQueue
	dump proc.Dump      // a crash report in what it prints to standard error
	busy proc.Stopwatch // runs while the driver handles what the worker answered, logged or printed

	profiling
	outbox
	seat
}

// A sentChunk is what the link must know about a chunk when its answer comes.
type sentChunk struct {
	tag   uint32
	call  *call
	span  schedule.Span
	bytes int          // of the arguments
	claim *atomic.Bool // set by the first answer of two copies; nil: no other copy
}

func newLink(h *host, tell func(...event), id, place int, spare bool) *link {
	l := &link{
		host: h, tell: tell, id: id, gone: make(chan struct{}), over: make(chan struct{}), leaving: make(chan struct{}),
		outbox: outbox{opened: make(map[uint32]bool)},
		seat:   seat{place: place, spare: spare},
	}
	l.logs.init(h.options.procs, h.handleLog)
	return l
}

// run is the whole life of the link of a pool's worker.
func (l *link) run() {
	if err := l.start(); err != nil {
		l.lost(err)
		return
	}
	l.live()
}

// lost reports that the worker ended. It is the last report of the run goroutine.
func (l *link) lost(err error) {
	l.logs.drain()
	l.host.inbox.put(event{kind: evLost, link: l, err: err})
	close(l.over)
}

// live greets a worker that was started, and handles it until its end.
func (l *link) live() {
	if err := l.greet(); err != nil {
		l.process.Kill()
		l.process.Stop(0)
		l.lost(fmt.Errorf("mapreduce: %w", err))
		return
	}
	var flushing sync.WaitGroup
	flushing.Go(func() {
		l.flusher.Run(l.gone, func(err error) { l.kill(fmt.Errorf("nothing could be sent to it: %w", err)) })
	})

	var err error
	// A user's decoding method may panic.
	if broke := contain(func() { err = l.read(l.answersFrom) }); broke != nil {
		err = broke
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		l.setReason(fmt.Errorf("%w: %w", errNoAnswer, err))
	}
	l.process.Stop(0)
	close(l.gone)
	flushing.Wait()
	l.lost(nil)
}

// tellAndStop handles the answer of a worker that has only one item, and tells it to stop. The
// worker may end only after that, because large results lie in its memory.
func (l *link) tellAndStop(events ...event) {
	if len(events) == 0 {
		return
	}
	_, _ = l.requests.Add(proc.KindStop, 0, nil)
	l.flusher.Soon()
	l.host.inbox.put(events...)
}

// greet exchanges hellos with the worker and returns when it is ready for work.
func (l *link) greet() error {
	process := l.process
	if err := process.Hello(l.host.ctx, l.answersFrom, l.host.hello, cmp.Or(l.host.options.hello, proc.HelloTime)); err != nil {
		return err
	}
	l.greetedAt = time.Now()
	err := l.initStates(l.requests, l.answersFrom)
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) { // it was reaped before its end was read
		process.Stop(proc.StopTime) // otherwise it closed the pipe, and is ending
		err = fmt.Errorf("%w: the worker ended: %v%s", err, process.Exit(), process.Exit().LastWords())
	}
	if err != nil {
		return err
	}
	l.logs.drain() // handle what the states logged
	l.mu.Lock()
	l.greeted = true
	l.mu.Unlock()
	l.host.inbox.put(event{kind: evReady, link: l}) // before a task can begin
	_ = l.requests.TryFlush()                       // what was added before; the next flush writes, or reports, the rest
	return nil
}

// start starts the process and connects it with its driver.
func (l *link) start() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := ErrClosed
	if !l.stopped {
		l.process, err = l.newProcess()
	}
	if err != nil {
		return fmt.Errorf("mapreduce: %w", err)
	}
	wrap := l.host.options.wrap
	l.answersFrom = transport.NewReader(wrap.reader(l.process.Answers), 0)
	l.requests = transport.NewWriter(wrap.writer(l.process.Requests))
	l.flusher = flusher.New(l.requests)
	if l.process.Shares() {
		keep := l.host.options.keepShared()
		closeAnswers, closeRequests := l.answersFrom.UseShared(keep), l.requests.UseShared(keep)
		l.unshare = func() { closeAnswers(); closeRequests() }
	}
	return nil
}

func (l *link) newProcess() (*proc.Process, error) {
	o := &l.host.options
	if o.inProcess {
		return proc.InProcess(l.id, func(w *proc.Worker) { newWorker(w, l.host).serve() })
	}
	spec := proc.Spec{
		ID: l.id, Name: l.name, MaxProcs: o.maxProcs(), Path: o.path, Args: o.args, Env: append(slices.Clone(o.env), fmt.Sprintf("%s=%d", depthVariable, depth()+1)), Dir: o.dir, Memory: o.memory, Nice: o.nice, Pin: l.pin, KeepShared: o.keepShared(),
		Output: func(stderr bool, item int, line []byte) {
			if l.taken != nil {
				<-l.taken
			}
			l.host.print(l, stderr, item, line)
		},
		Item: l.indexOf,
	}
	return proc.Start(spec)
}

// running returns the item that the worker is running, or ran last; a nil call if there is none.
func (l *link) running() (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process == nil {
		return nil, 0
	}
	tag, offset, _ := l.process.Note.Running() // no chunk has the tag 0
	return l.findItem(tag, offset)
}

// itemOf is like running for a chunk and offset that the worker has told.
func (l *link) itemOf(tag uint32, offset int) (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.findItem(tag, offset)
}

func (l *link) findItem(tag uint32, offset int) (c *call, item int) {
	for _, chunk := range l.sent.Items() {
		if chunk.tag == tag {
			return chunk.call, chunk.span.First + offset
		}
	}
	return nil, 0
}

// kill kills the worker and all processes that it started. The error of its item will contain
// reason.
func (l *link) kill(reason error) {
	l.setReason(reason)
	l.process.Kill()
}

// killItem is kill because of one item.
func (l *link) killItem(c *call, item int, reason error) {
	l.victim, l.victimItem = c, item
	l.kill(reason)
}

func (l *link) setReason(reason error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason == nil {
		l.reason = reason
	}
}

// alive reports whether the worker has not ended.
func (l *link) alive() bool {
	select {
	case <-l.process.Done():
		return false
	default:
		return true
	}
}

// release frees what is left of a worker that has ended. It may be called again.
func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unshare != nil {
		l.unshare()
		l.unshare = nil
	}
	if l.process != nil {
		l.process.Close()
	}
	if l.name != "" && l.pin > 0 { // otherwise its place in the pool holds the processor
		freeProcessor(l.pin - 1)
		l.pin = 0
	}
}
