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

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// A link is a worker, seen from its driver. Its run goroutine starts the process, reads its answers and sees its end;
// the supervisor writes its requests, which a second goroutine flushes. What the supervisor alone touches is in its [outbox]
// and its [seat].
type link struct {
	host  *host
	tell  func(...event) // has answers handled
	id    int            // what users see; never used again in this pool
	name  string         // of a process of its own; empty: it is a worker of a pool
	pin   int            // 1 + the processor on which it starts; 0: any
	taken chan struct{}  // of a process that was started ahead: closed when it is for something, or ends
	gone  chan struct{}  // closed when nothing is written any more
	over  chan struct{}  // closed when the process was reaped and nothing is read any more

	mu      sync.Mutex
	process *proc.Process // nil until started
	stopped bool          // the pool wants no process (any more)
	greeted bool          // it has said hello
	sent    []sentChunk   // not answered yet, in order
	done    struct {      // the chunk that was answered last
		tag   uint32
		first int
	}
	reason  error  // why the driver ended it
	unshare func() // gives up the memory shared with it

	leaving     chan struct{} // closed when it has begun to end in good order
	leavingWith string        // what it does last, guarded by mu; empty: it does not leave

	answersFrom *transport.Reader // the run goroutine's, from the process's start on

	logs logQueue
	dump proc.Dump      // of a crash, in what it prints to standard error
	busy proc.Stopwatch // runs while this process handles what the worker has answered, logged or printed

	profiling
	outbox
	seat
}

// A sentChunk is what place needs to know when the answer comes.
type sentChunk struct {
	tag   uint32
	call  *call
	span  span
	bytes int          // of the arguments
	claim *atomic.Bool // set by the first answer of two copies; nil: there is one
}

func newLink(h *host, tell func(...event), id, slot int, spare bool) *link {
	l := &link{
		host: h, tell: tell, id: id, gone: make(chan struct{}), over: make(chan struct{}), leaving: make(chan struct{}),
		outbox: outbox{opened: make(map[uint32]bool), flush: make(chan struct{}, 1)},
		seat:   seat{slot: slot, spare: spare},
	}
	l.logs.init(h.options.procs, h.handleLog)
	return l
}

// run is the whole life of one worker process.
func (l *link) run() {
	if err := l.start(); err != nil {
		l.lost(err)
		return
	}
	l.live()
}

// lost is the last thing that the run goroutine reports.
func (l *link) lost(err error) {
	l.logs.drain()
	l.host.inbox.put(event{kind: evLost, link: l, err: err})
	close(l.over)
}

// live is the life of a worker process that has been started.
func (l *link) live() {
	if err := l.greet(); err != nil {
		l.process.Kill()
		l.process.Stop(0)
		l.lost(fmt.Errorf("mapreduce: %w", err))
		return
	}
	var flushing sync.WaitGroup
	flushing.Go(l.flushLoop)

	var err error
	if broke := contain(func() { err = l.read(l.answersFrom) }); broke != nil { // in a decoding method of the user's
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

// tellAndStop is for a worker that has but one item. That its answer is taken lets it end: large results are in its memory.
func (l *link) tellAndStop(events ...event) {
	if len(events) == 0 {
		return
	}
	_, _ = l.requests.Add(proc.KindStop, 0, nil)
	l.flushSoon()
	l.host.inbox.put(events...)
}

// greet returns when the worker is ready to work.
func (l *link) greet() error {
	process := l.process
	if err := process.Hello(l.host.ctx, l.answersFrom, l.host.hello, cmp.Or(l.host.options.hello, proc.HelloTime)); err != nil {
		return err
	}
	err := l.initStates(l.requests, l.answersFrom)
	if errors.Is(err, io.EOF) {
		process.Stop(proc.StopTime) // it closed the pipe, so it ends
		err = fmt.Errorf("%w: %v%s", err, process.Exit(), process.Exit().LastWords())
	}
	if err != nil {
		return err
	}
	l.logs.drain() // of what the states have logged
	l.mu.Lock()
	l.greeted = true
	l.mu.Unlock()
	_ = l.requests.TryFlush() // what was added before; what it leaves, or fails at, is the next flush's
	l.host.inbox.put(event{kind: evReady, link: l})
	return nil
}

// start starts the process, and opens what connects it with its driver.
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
	l.requests = transport.NewWriter(wrap.writer(proc.Pipe{File: l.process.Requests}))
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

// running returns the item that the worker runs, or ran last; nil if it runs none.
func (l *link) running() (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.process == nil {
		return nil, 0
	}
	tag, offset, _ := l.process.Note.Running() // no chunk has the tag 0
	return l.findItem(tag, offset)
}

// itemOf is running for a chunk and offset that the worker has told itself.
func (l *link) itemOf(tag uint32, offset int) (c *call, item int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.findItem(tag, offset)
}

func (l *link) findItem(tag uint32, offset int) (c *call, item int) {
	for _, chunk := range l.sent {
		if chunk.tag == tag {
			return chunk.call, chunk.span.first + offset
		}
	}
	return nil, 0
}

// kill ends the worker and all that it has started, for a reason that its item will be told.
func (l *link) kill(reason error) {
	l.setReason(reason)
	l.process.Kill()
}

// killItem is kill for the sake of one item.
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

// release gives up what is left of a worker that has ended. It may be called again.
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
	if l.name != "" && l.pin > 0 { // else it is its place's
		freeProcessor(l.pin - 1)
		l.pin = 0
	}
}
