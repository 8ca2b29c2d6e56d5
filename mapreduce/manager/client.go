package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mrrun/mapreduce/internal/flusher"
	"mrrun/transport"
)

// A Client is a connection to a manager. It is safe for concurrent use: the calls of many
// goroutines are under way at the same time. When it is closed, the manager releases what it holds.
type Client struct {
	carrier carrier
	in      *transport.Reader
	out     *transport.Writer
	address string // which proxies tell to other processes
	server  greeting
	key     uint64 // random; marks the proxies that this client sends
	silence time.Duration
	ended   chan struct{} // closed by fail
	running sync.WaitGroup

	quiet   quietCarrier  // the carrier, if it can report its end without being read; else nil
	reading chan struct{} // holds a token while a goroutine reads the answers to all calls
	heard   atomic.Uint64 // the number of frames received
	flusher *flusher.Flusher

	mu    sync.Mutex
	calls map[uint32]*pending
	last  uint32
	err   error          // why the connection has ended; nil until then
	uses  map[uint64]int // the number of open proxies and pins, by object id
}

// A quietCarrier is a carrier that can report its end without being read, and whose reader can be
// interrupted.
type quietCarrier interface {
	AwaitEnd() error
	Interrupt()
}

// A Conn is a [Client], or a [Manager], which contains one.
type Conn interface {
	client() *Client
}

func (c *Client) client() *Client { return c }

// newClient greets the server on conn and returns the client, which owns conn. If it returns an
// error it has closed conn.
func newClient(ctx context.Context, conn net.Conn, address string, opts []Option) (*Client, error) {
	o := makeOptions(opts)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	_ = conn.SetDeadline(time.Now().Add(o.greeting))
	carrier, server, err := greetServer(conn, o.limit)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	c := &Client{
		carrier: carrier, in: transport.NewReader(carrier, o.limit), out: transport.NewWriter(carrier),
		address: address, server: server, key: newKey(), silence: o.silence, ended: make(chan struct{}),
		reading: make(chan struct{}, 1),
		calls:   make(map[uint32]*pending), uses: make(map[uint64]int),
	}
	c.flusher = flusher.New(c.out)
	c.quiet, _ = carrier.(quietCarrier)
	_ = carrier.SetDeadline(time.Time{})
	known.add(c)
	c.running.Go(c.attend)
	c.running.Go(func() { c.flusher.Run(c.ended, c.lost) })
	c.running.Go(c.ping)
	return c, nil
}

// attend notices the end of the connection while no call is under way. If the carrier can report
// its end without being read, attend leaves the answers to the calls that wait for them, so that no
// call has to be woken by another goroutine.
func (c *Client) attend() {
	if c.quiet != nil {
		c.lost(c.quiet.AwaitEnd())
		return
	}
	c.reading <- struct{}{}
	c.read(nil, nil)
}

// read passes answers to the calls that wait for them, until own has its answer and no frame is
// buffered, the connection ends, or over is closed and the carrier interrupted. The caller must
// have put the token into reading.
func (c *Client) read(own *pending, over <-chan struct{}) {
	for own == nil || len(own.answered) == 0 || c.in.Buffered() {
		select {
		case <-over:
			return
		default:
		}
		f, err := c.in.Next()
		if c.quiet != nil && errors.Is(err, os.ErrDeadlineExceeded) { // the interrupt may be for another reader
			continue
		}
		if err != nil {
			c.lost(err)
			return
		}
		c.heard.Add(1)
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

// lost ends the connection because of err.
func (c *Client) lost(err error) {
	if err == io.EOF {
		err = errors.New("the manager has ended or closed the connection")
	}
	c.fail(fmt.Errorf("%w: %s: %w", ErrLost, c.address, err))
}

// ping regularly asks whether the server is there, and ends the connection if the server, or what
// is between, does not answer in time.
func (c *Client) ping() {
	t := time.NewTicker(c.silence / 4)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_, p, err := c.begin(kindPing, nil)
			if err != nil {
				return
			}
			over := make(chan struct{})
			silent := time.AfterFunc(c.silence, func() { c.giveUp(over) })
			if !c.await(p, over) {
				c.lost(fmt.Errorf("the manager has been silent for %v: %w", c.silence, os.ErrDeadlineExceeded))
				<-p.answered
			}
			silent.Stop()
			_, _, _ = p.take()
		case <-c.ended:
			return
		}
	}
}

// fail ends the connection and all calls with err, or with the error of an earlier fail.
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
	cut(c.carrier)
	for _, p := range calls {
		p.err = err
		p.answered <- struct{}{}
	}
}

// cut closes a connection. Closing a TLS connection tries to send an alert for up to 5 seconds; cut
// limits that to grace.
func cut(conn io.Closer) {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		defer time.AfterFunc(grace, func() { _ = secure.NetConn().Close() }).Stop()
	}
	_ = conn.Close()
}

// Close ends the connection. Calls under way and later calls return an error that wraps [ErrLost].
func (c *Client) Close() error {
	c.fail(fmt.Errorf("%w: it was closed here", ErrLost))
	c.running.Wait()
	return nil
}

// Address returns the address of the manager. [Dial] takes it if it is that of a Unix socket.
func (c *Client) Address() string { return c.address }

// Done returns a channel that is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.ended }
