package mapreduce

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"mrrun/mapreduce/internal/proc"
	"mrrun/transport"
)

// A link is a worker, seen from its driver. Its run goroutine starts the process, reads its answers and sees its end;
// the supervisor writes its requests, which a second goroutine flushes.
type link struct {
	pool *Pool
	slot int
	gone chan struct{} // closed when nothing is written any more
	over chan struct{} // closed when the process was reaped and nothing is read any more

	mu      sync.Mutex
	process *proc.Process // nil until started
	stopped bool          // the pool wants no process (any more)
	greeted bool          // it has said hello, and requests is set
	sent    []sentChunk   // not answered yet, in order

	// the supervisor's:
	requests *transport.Writer // from the hello on
	opened   map[uint32]bool   // calls that the worker knows
	dirty    bool              // requests wait for a flush
	flush    chan struct{}
	reason   string // why the driver ended this worker; readable after evLost
	lastTag  uint32
}

// A sentChunk is what place needs to know when the answer comes.
type sentChunk struct {
	tag   uint32
	call  *call
	span  span
	bytes int // of the arguments
}

func newLink(p *Pool, slot int) *link {
	return &link{
		pool: p, slot: slot, gone: make(chan struct{}), over: make(chan struct{}),
		opened: make(map[uint32]bool), flush: make(chan struct{}, 1),
	}
}

// number is what users see: workers count from 1.
func (l *link) number() int { return l.slot + 1 }

// run is the whole life of one worker process.
func (l *link) run() {
	defer close(l.over)
	answers, err := l.start()
	if err != nil {
		l.pool.inbox.put(event{kind: evLost, link: l, err: err})
		return
	}
	var flushing sync.WaitGroup
	flushing.Go(l.flushLoop)

	err = l.read(answers)
	if !errors.Is(err, io.EOF) {
		l.reason = err.Error()
	}
	l.process.Stop(0)
	close(l.gone)
	flushing.Wait()
	l.process.Answers.Close()
	l.pool.inbox.put(event{kind: evLost, link: l})
}

// start returns when the worker has said hello.
func (l *link) start() (*transport.Reader, error) {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	process, err := proc.Start(proc.Spec{ID: l.number(), MaxProcs: l.pool.options.maxProcs()})
	l.process = process
	l.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("mapreduce: %w", err)
	}
	answers := transport.NewReader(process.Answers, 0)
	if err := process.Hello(l.pool.ctx, answers, l.pool.hello); err != nil {
		process.Kill()
		process.Stop(0)
		process.Answers.Close()
		return nil, fmt.Errorf("mapreduce: %w", err)
	}
	l.mu.Lock()
	l.requests, l.greeted = transport.NewWriter(process.Requests), true
	l.mu.Unlock()
	l.pool.inbox.put(event{kind: evReady, link: l})
	return answers, nil
}

// flushLoop writes requests; the supervisor must never wait for a worker that does not read. A failed write needs no
// report: the worker is gone, which read sees.
func (l *link) flushLoop() {
	for {
		select {
		case <-l.flush:
			_ = l.requests.Flush()
		case <-l.gone:
			return
		}
	}
}

// read places answers until the worker's end of the pipe closes. It returns io.EOF, or what was wrong with the bytes.
func (l *link) read(answers *transport.Reader) error {
	var batch []event
	defer func() { l.pool.inbox.put(batch...) }()
	in := transport.NewDecoder(nil)
	for {
		f, err := answers.Next()
		if err != nil {
			return err
		}
		if f.Kind != kindAnswer {
			return fmt.Errorf("it sent a message of unknown kind %d", f.Kind)
		}
		in.Reset(f.Body)
		e, err := l.answer(f.Tag, in, len(f.Body))
		if err != nil {
			return err
		}
		batch = append(batch, e)
		if !answers.Buffered() {
			l.pool.inbox.put(batch...)
			clear(batch)
			batch = batch[:0]
		}
	}
}

// answer places the results of one chunk. An error means that the worker cannot be trusted any more.
func (l *link) answer(tag uint32, in *transport.Decoder, size int) (event, error) {
	chunk, ok := l.takeSent(tag)
	if !ok {
		return event{}, fmt.Errorf("it answered chunk %d, which it was not asked", tag)
	}
	e := event{kind: evAnswer, link: l, call: chunk.call, bytes: chunk.bytes + size}
	work, err := in.Uint()
	if err != nil {
		return e, fmt.Errorf("it sent a broken answer: %w", err)
	}
	e.work = time.Duration(work)
	state, err := in.ReadByte()
	switch {
	case err != nil:
		return e, fmt.Errorf("it sent a broken answer: %w", err)
	case state == chunkFailed:
		text, err := in.String()
		if err != nil {
			return e, fmt.Errorf("it sent a broken answer: %w", err)
		}
		e.err = fmt.Errorf("mapreduce: %s, items %d to %d: %s", chunk.call.task.name, chunk.span.first, chunk.span.end-1, text)
	default:
		e.err = placeSafely(chunk, in)
	}
	return e, nil
}

// placeSafely lets a panic of a user's decoding method fail its call, not the driver.
func placeSafely(c sentChunk, in *transport.Decoder) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("mapreduce: %s: take results: panic: %v", c.call.task.name, p)
		}
	}()
	if err := c.call.items.place(in, c.span); err != nil {
		return fmt.Errorf("mapreduce: %s: take results of items %d to %d: %w", c.call.task.name, c.span.first, c.span.end-1, err)
	}
	return nil
}

func (l *link) takeSent(tag uint32) (sentChunk, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 || l.sent[0].tag != tag {
		return sentChunk{}, false
	}
	c := l.sent[0]
	l.sent[0] = sentChunk{}
	l.sent = l.sent[1:]
	return c, true
}

// send adds a chunk to the requests. An error is about the arguments; nothing was sent then.
func (l *link) send(c *call, s span) error {
	l.open(c)
	l.lastTag++
	size := 0
	l.mu.Lock() // the answer may come before Add has returned: it waits for its entry in sent
	defer l.mu.Unlock()
	var bad error
	_, err := l.requests.Add(kindChunk, l.lastTag, func(out *transport.Encoder) error {
		encodeChunkHead(out, c.id, s.size())
		start := out.Len()
		bad = encodeSafely(c, out, s)
		size = out.Len() - start
		return bad
	})
	if tooLarge, ok := errors.AsType[*transport.SizeError](err); ok {
		bad = tooLarge
	}
	if bad != nil {
		return fmt.Errorf("mapreduce: %s: send items %d to %d: %w", c.task.name, s.first, s.end-1, bad)
	}
	l.sent = append(l.sent, sentChunk{tag: l.lastTag, call: c, span: s, bytes: size})
	l.dirty = true
	return nil // a broken pipe is a lost worker, which read reports
}

// encodeSafely lets a panic of a user's encoding method fail its call, not the driver.
func encodeSafely(c *call, out *transport.Encoder, s span) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.items.encode(out, s)
}

// open makes the call known to the worker.
func (l *link) open(c *call) {
	if !l.opened[c.id] {
		l.opened[c.id] = true
		_, _ = l.requests.Add(kindOpen, c.id, func(out *transport.Encoder) error {
			encodeOpen(out, c.task, c.params)
			return nil
		})
	}
}

// cancelCall ends the call's context in the worker.
func (l *link) cancelCall(c *call) {
	_, _ = l.requests.Add(kindCancel, c.id, func(out *transport.Encoder) error {
		_, err := io.WriteString(out, c.cause.Error())
		return err
	})
	l.dirty = true
}

// forget lets the worker drop what it keeps for a call.
func (l *link) forget(c *call) {
	if l.opened[c.id] {
		delete(l.opened, c.id)
		_, _ = l.requests.Add(kindForget, c.id, nil)
		l.dirty = true
	}
}

// kick has waiting requests written.
func (l *link) kick() {
	if !l.dirty {
		return
	}
	l.dirty = false
	select {
	case l.flush <- struct{}{}:
	default:
	}
}

// lostError describes the end of this link's worker, which held s.
func (l *link) lostError(s span) error {
	exit := l.process.Exit()
	return &WorkerLostError{
		Worker: l.number(), PID: l.process.PID(), First: s.first, Last: s.end - 1,
		Signal: exit.Signal, ExitCode: exit.Code, MaxRSS: exit.MaxRSS, Stderr: exit.Stderr, Reason: l.reason,
	}
}

// stop ends the worker, in good order if it is idle and grace is not 0, and waits for it.
func (l *link) stop(grace time.Duration) {
	l.mu.Lock()
	l.stopped = true
	process, greeted := l.process, l.greeted
	l.mu.Unlock()
	if process != nil {
		switch {
		case !greeted:
			process.Kill() // it has done nothing yet
		case grace > 0:
			_ = process.Requests.SetWriteDeadline(time.Now().Add(grace))
			_, _ = l.requests.Add(proc.KindStop, 0, nil)
			if l.requests.Flush() != nil {
				grace = 0
			}
		}
		process.Stop(grace)
	}
	<-l.over
}
