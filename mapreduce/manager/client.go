package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"mrrun/transport"
)

// A Client is a connection to a manager. It is safe for concurrent use: calls of many goroutines are under way together.
// What it holds on the manager is let go when it is closed.
type Client struct {
	link    link
	in      *transport.Reader
	out     *transport.Writer
	address string // as proxies tell it to other processes
	server  greeting
	silence time.Duration
	ended   chan struct{} // closed by fail
	running sync.WaitGroup

	reading chan struct{} // holds a token while somebody reads answers, for all
	full    chan struct{} // holds a token when there is more to write than goes at once

	mu    sync.Mutex
	calls map[uint32]*pending
	last  uint32
	err   error          // why there are no more calls
	uses  map[uint64]int // object id to the number of proxies that are not closed
}

// A Conn is a [Client] or a [Manager], which has one.
type Conn interface {
	client() *Client
}

func (c *Client) client() *Client { return c }

// pending is a call that waits for its answer.
type pending struct {
	answered chan struct{} // of one element
	kind     byte
	body     []byte
	err      error
}

var pendings = sync.Pool{New: func() any { return &pending{answered: make(chan struct{}, 1)} }}

// newClient greets the server on conn, which it owns from then on.
func newClient(ctx context.Context, conn net.Conn, address string, opts []Option) (*Client, error) {
	o := makeOptions(opts)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	_ = conn.SetDeadline(time.Now().Add(o.greeting))
	link, server, err := greetServer(conn, o.limit)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	c := &Client{
		link: link, in: transport.NewReader(link, o.limit), out: transport.NewWriter(link),
		address: address, server: server, silence: o.silence, ended: make(chan struct{}),
		reading: make(chan struct{}, 1), full: make(chan struct{}, 1),
		calls: make(map[uint32]*pending), uses: make(map[uint64]int),
	}
	_ = link.SetDeadline(time.Time{})
	known.add(c)
	c.running.Go(c.attend)
	c.running.Go(c.flush)
	c.running.Go(c.ping)
	return c, nil
}

// attend sees the connection end when nobody calls. Where that can be told without reading, the answers are left to those who
// wait for them: nobody then has to be woken by another.
func (c *Client) attend() {
	if quiet, ok := c.link.(interface{ AwaitEnd() error }); ok {
		c.lost(quiet.AwaitEnd())
		return
	}
	c.reading <- struct{}{}
	c.read(nil)
}

// read hands answers to the calls that wait for them, until own has one or the connection ends. The caller has put the token
// into reading.
func (c *Client) read(own *pending) {
	for own == nil || len(own.answered) == 0 || c.in.Buffered() {
		f, err := c.in.Next()
		if err != nil {
			c.lost(err)
			return
		}
		c.mu.Lock()
		p := c.calls[f.Tag]
		delete(c.calls, f.Tag)
		c.mu.Unlock()
		if p != nil {
			p.kind, p.body = f.Kind, append([]byte(nil), f.Body...)
			p.answered <- struct{}{}
		}
	}
}

// lost ends the connection because of an error of reading.
func (c *Client) lost(err error) {
	if err == io.EOF {
		err = errors.New("it has ended or closed the connection")
	}
	c.fail(fmt.Errorf("%w: %s: %w", ErrLost, c.address, err))
}

// send has what was added to out written. It does not wait for the server: who waits for an answer must be able to read.
func (c *Client) send() {
	if !c.out.TryFlush() {
		select {
		case c.full <- struct{}{}:
		default: // it will be written, too
		}
	}
}

// flush writes what send could not.
func (c *Client) flush() {
	for {
		select {
		case <-c.full:
			if err := c.out.Flush(); err != nil {
				c.lost(err)
			}
		case <-c.ended:
			return
		}
	}
}

// ping asks from time to time whether the server is there. It gets no answer when the server, or what is between, hangs.
func (c *Client) ping() {
	t := time.NewTicker(c.silence / 4)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = c.link.SetDeadline(time.Now().Add(c.silence))
			if c.roundTrip(context.Background(), kindPing, nil, &pending{answered: make(chan struct{}, 1)}) != nil {
				return
			}
			_ = c.link.SetDeadline(time.Time{})
		case <-c.ended:
			return
		}
	}
}

// fail ends the connection, and all calls with err.
func (c *Client) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
		close(c.ended)
	}
	calls := c.calls
	c.calls = nil
	err = c.err
	c.mu.Unlock()
	known.remove(c)
	_ = c.link.Close()
	for _, p := range calls {
		p.err = err
		p.answered <- struct{}{}
	}
}

// Close ends the connection. Calls under way, and later ones, return an error that wraps [ErrLost].
func (c *Client) Close() error {
	c.fail(fmt.Errorf("%w: it was closed here", ErrLost))
	c.running.Wait()
	return nil
}

// Address is what [Dial] takes to get to the same manager.
func (c *Client) Address() string { return c.address }

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.ended }

// call calls a method of an object; name is what its caller calls it, for errors. Nil functions mean that there is nothing to
// encode or decode. When ctx ends the server is told, and its answer is waited for: either it has done what it was asked for, or
// it never will.
func (c *Client) call(ctx context.Context, name string, id uint64, method string, encode func(*transport.Encoder) error,
	decode func(*transport.Decoder) error) error {
	kind, body, err := c.request(ctx, func(e *transport.Encoder) error {
		e.Uint(id)
		e.String(method)
		if encode != nil {
			return encode(e)
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("manager: %s: %w", name, err)
	case kind == kindFailure:
		err := decodeFailure(name, body)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return context.Cause(ctx)
		}
		return err
	case decode == nil:
		return nil
	}
	if err := decode(transport.NewDecoder(body)); err != nil {
		return fmt.Errorf("manager: %s: result: %w", name, err)
	}
	return nil
}

// request sends a call, unless the server would not take it, and returns its answer. The body is made before anything is locked:
// what makes it may itself use the client.
func (c *Client) request(ctx context.Context, encode func(*transport.Encoder) error) (kind byte, answer []byte, err error) {
	e := getScratch()
	defer putScratch(e)
	if err := encode(e); err != nil {
		return 0, nil, err
	}
	if size := uint64(e.Len()); size > c.server.limit {
		return 0, nil, fmt.Errorf("%w that the manager takes: see MaxMessage", &transport.SizeError{Size: size, Limit: c.server.limit})
	}
	p := pendings.Get().(*pending)
	err = c.roundTrip(ctx, kindCall, e.Bytes(), p)
	kind, answer = p.kind, p.body
	p.body = nil
	pendings.Put(p)
	return kind, answer, err
}

// roundTrip sends a frame and waits for what comes back, in p.
func (c *Client) roundTrip(ctx context.Context, kind byte, body []byte, p *pending) error {
	tag, err := c.enter(p)
	if err != nil {
		return err
	}
	_, err = c.out.Add(kind, tag, func(e *transport.Encoder) error { _, err := e.Write(body); return err })
	if err == nil {
		c.send()
	} else if c.forget(tag) {
		return err
	}
	c.await(ctx, tag, p)
	err, p.err = p.err, nil
	return err
}

// await waits for the answer; while nobody else does so, it reads.
func (c *Client) await(ctx context.Context, tag uint32, p *pending) {
	stop := context.AfterFunc(ctx, func() {
		if _, err := c.out.Add(kindCancel, tag, nil); err == nil {
			c.send()
		}
	})
	defer stop()
	select {
	case <-p.answered:
	case c.reading <- struct{}{}:
		c.read(p)
		<-c.reading
		<-p.answered
	}
}

func (c *Client) enter(p *pending) (tag uint32, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.last++
	for c.calls[c.last] != nil {
		c.last++
	}
	c.calls[c.last] = p
	return c.last, nil
}

// forget takes a call back that was never sent. It reports false if the connection has ended and answered it.
func (c *Client) forget(tag uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[tag] == nil {
		return false
	}
	delete(c.calls, tag)
	return true
}
