package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/transport"
)

// A Client is a connection to a manager. It is safe for concurrent use: calls of many goroutines are under way together.
// What it holds on the manager is let go when it is closed.
type Client struct {
	conn     net.Conn
	out      *transport.Writer
	address  string // as proxies tell it to other processes
	instance string // of the server
	silence  time.Duration
	ended    chan struct{} // closed when nothing is read any more
	asked    atomic.Bool   // a ping has no answer yet
	running  sync.WaitGroup

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

// newClient greets the server on conn, which it owns from then on, and begins to read.
func newClient(ctx context.Context, conn net.Conn, address string, opts []Option) (*Client, error) {
	o := makeOptions(opts)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	_ = conn.SetDeadline(time.Now().Add(o.greeting))
	c := &Client{
		conn: conn, out: transport.NewWriter(conn), address: address, silence: o.silence,
		ended: make(chan struct{}), calls: make(map[uint32]*pending), uses: make(map[uint64]int),
	}
	in := transport.NewReader(conn, o.limit)
	if err := c.greet(in); err != nil {
		stop()
		_ = conn.Close()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	if !stop() {
		_ = conn.Close()
		return nil, fmt.Errorf("manager: dial %s: %w", address, context.Cause(ctx))
	}
	_ = conn.SetDeadline(time.Time{})
	known.add(c)
	c.running.Go(func() { c.read(in) })
	c.running.Go(c.ping)
	return c, nil
}

func (c *Client) greet(in *transport.Reader) error {
	_, err := c.out.Add(kindHello, 0, func(e *transport.Encoder) error { e.Uint(protocolVersion); return nil })
	if err == nil {
		err = c.out.Flush()
	}
	if err != nil {
		return err
	}
	f, err := in.Next()
	if err != nil {
		return fmt.Errorf("the server does not answer; it may have another key, or too many clients: %w", err)
	}
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if err != nil || f.Kind != kindHello {
		return fmt.Errorf("%w: the server is no manager", transport.ErrFormat)
	}
	if version != protocolVersion {
		return fmt.Errorf("%w: %d, ours is %d", ErrVersion, version, protocolVersion)
	}
	c.instance, err = d.String()
	return err
}

// read hands answers to the calls that wait for them, until the connection ends.
func (c *Client) read(in *transport.Reader) {
	defer close(c.ended)
	for {
		f, err := in.Next()
		if err != nil {
			if err == io.EOF {
				err = errors.New("it has ended or closed the connection")
			}
			c.fail(fmt.Errorf("%w: %s: %w", ErrLost, c.address, err))
			return
		}
		if f.Kind == kindPong {
			_ = c.conn.SetReadDeadline(time.Time{})
			c.asked.Store(false)
		}
		if f.Kind != kindResult && f.Kind != kindFailure {
			continue
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

// ping asks from time to time whether the server is there. It gets no answer when the server, or what is between, hangs.
func (c *Client) ping() {
	t := time.NewTicker(c.silence / 4)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if c.asked.CompareAndSwap(false, true) {
				_ = c.conn.SetReadDeadline(time.Now().Add(c.silence))
			}
			if _, err := c.out.Add(kindPing, 0, nil); err == nil {
				_ = c.out.Flush()
			}
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
	}
	calls := c.calls
	c.calls = nil
	err = c.err
	c.mu.Unlock()
	known.remove(c)
	_ = c.conn.Close()
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

// call calls a method. Nil functions mean that there is nothing to encode or decode. When ctx ends the server is told, and
// its answer is waited for: either it has done what it was asked for, or it never will.
func (c *Client) call(ctx context.Context, id uint64, method string, encode func(*transport.Encoder) error,
	decode func(*transport.Decoder) error) error {
	p := pendings.Get().(*pending)
	tag, err := c.enter(p)
	if err != nil {
		return fmt.Errorf("manager: %s: %w", method, err)
	}
	_, err = c.out.Add(kindCall, tag, func(e *transport.Encoder) error {
		e.Uint(id)
		e.String(method)
		if encode != nil {
			return encode(e)
		}
		return nil
	})
	if err != nil {
		if c.forget(tag) {
			return fmt.Errorf("manager: %s: %w", method, err)
		}
	} else if err := c.out.Flush(); err != nil {
		c.fail(fmt.Errorf("%w: %s: %w", ErrLost, c.address, err))
	}
	select {
	case <-p.answered:
	case <-ctx.Done():
		if _, err := c.out.Add(kindCancel, tag, nil); err == nil {
			_ = c.out.Flush()
		}
		<-p.answered
	}
	kind, body, err := p.kind, p.body, p.err
	p.body, p.err = nil, nil
	pendings.Put(p)
	switch {
	case err != nil:
		return fmt.Errorf("manager: %s: %w", method, err)
	case kind == kindFailure:
		err := decodeFailure(method, body)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return context.Cause(ctx)
		}
		return err
	case decode == nil:
		return nil
	}
	if err := decode(transport.NewDecoder(body)); err != nil {
		return fmt.Errorf("manager: %s: result: %w", method, err)
	}
	return nil
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
