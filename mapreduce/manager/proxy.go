package manager

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A proxy stands for an object on a manager. It travels to other processes as a value that says
// where the manager is and which object it is.
//
// The manager keeps an object while a client that has used it is connected and has not closed its
// last proxy of it, while it is a value in another object, and while a proxy of it is under way:
// see proxy_underway.go.
type proxy struct {
	c         atomic.Pointer[Client] // nil before the first use, if the proxy was received
	id        uint64
	sender    uint64 // the key of the client that sent this proxy; 0 if it was made here or needs no "Arrive"
	instance  string
	address   string
	signature string
	closed    atomic.Bool
}

// known holds the clients of this process. A proxy finds one by the instance of its server.
var known = clients{dialing: make(chan struct{}, 1)}

type clients struct {
	mu  sync.Mutex
	all map[string][]*Client

	dialing chan struct{} // holds a token while a proxy dials, so that several proxies share one connection
}

func (k *clients) add(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = make(map[string][]*Client)
	}
	k.all[c.server.instance] = append(k.all[c.server.instance], c)
}

func (k *clients) remove(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	left := k.all[c.server.instance]
	for i, other := range left {
		if other == c {
			left = append(left[:i:i], left[i+1:]...)
			break
		}
	}
	if k.all[c.server.instance] = left; len(left) == 0 {
		delete(k.all, c.server.instance)
	}
}

func (k *clients) of(instance string) *Client {
	k.mu.Lock()
	defer k.mu.Unlock()
	if all := k.all[instance]; len(all) > 0 {
		return all[0]
	}
	return nil
}

// conn returns the connection that the proxy uses. It dials if this process has none to the
// manager.
func (p *proxy) conn(ctx context.Context) (*Client, error) {
	if c := p.c.Load(); c != nil {
		return c, nil
	}
	if p.id == 0 {
		return nil, fmt.Errorf("%w: the proxy is empty: make it with a constructor, or receive it", ErrNoObject)
	}
	select {
	case known.dialing <- struct{}{}:
		defer func() { <-known.dialing }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c := p.c.Load(); c != nil {
		return c, nil
	}
	c := known.of(p.instance)
	if c == nil {
		if !strings.HasPrefix(p.address, "unix:") {
			return nil, fmt.Errorf("%w: %s is on another machine; call remote.Dial with its key before", ErrLost, p.address)
		}
		var err error
		if c, err = Dial(ctx, p.address); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLost, err)
		}
		if c.server.instance != p.instance {
			_ = c.Close()
			return nil, fmt.Errorf("%w: another manager is now at %s", ErrLost, p.address)
		}
	}
	c.arrived(p)
	c.use(p.id, 1)
	p.c.Store(c)
	return c, nil
}

func (c *Client) use(id uint64, n int) (left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses[id] += n
	left = c.uses[id]
	if left == 0 {
		delete(c.uses, id)
	}
	return left
}

// call calls a method of the object; name is the method with the name of its type before it: see
// [Client.call].
func (p *proxy) call(ctx context.Context, name op, encode func(*transport.Encoder) error,
	decode func(*transport.Decoder) error) error {
	return p.callMethod(ctx, string(name), name[strings.IndexByte(string(name), '.')+1:], encode, decode)
}

func (p *proxy) callMethod(ctx context.Context, name string, method op, encode func(*transport.Encoder) error,
	decode func(*transport.Decoder) error) error {
	c, err := p.conn(ctx)
	if err != nil {
		return fmt.Errorf("manager: %s: %w", name, err)
	}
	return c.call(ctx, name, p.id, method, encode, decode)
}

// callBriefly is call for methods without a ctx. It does not wait long for a manager that gives no
// sign of life.
func (p *proxy) callBriefly(name op, decode func(*transport.Decoder) error) error {
	ctx, cancel := briefly()
	defer cancel()
	return p.call(ctx, name, nil, decode)
}

func briefly() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), grace)
}

// Close ends the use of this proxy. The manager deletes the object when nothing refers to it any
// more. Close may be called again. It does not wait for a manager that does not answer: either the
// message arrives, or the connection ends.
func (p *proxy) Close() error {
	c := p.end()
	if c == nil {
		return nil
	}
	return c.drop(p.id)
}

// end ends the use of the proxy. If it was the last proxy of the object on its connection, end
// returns the connection, otherwise nil.
func (p *proxy) end() *Client {
	c := p.c.Load()
	if c == nil || p.closed.Swap(true) || c.use(p.id, -1) > 0 {
		return nil
	}
	return c
}

func (c *Client) drop(id uint64) error {
	ctx, cancel := briefly()
	defer cancel()
	err := c.call(ctx, "Close", 0, opClose, uintArg(id), nil)
	if errors.Is(err, ErrNoAnswer) {
		return nil
	}
	return err
}

// String returns the kind, types, number and address of the object, for messages.
func (p *proxy) String() string { return fmt.Sprintf("%s %d at %s", p.signature, p.id, p.address) }

// create makes an object of a kind for a constructor, or gets the existing one if opts name one.
func (p *proxy) create(ctx context.Context, conn Conn, constructor, kind, signature string, opts []ObjectOption,
	args func(*transport.Encoder) error) error {
	var o objectOptions
	for _, opt := range opts {
		opt(&o)
	}
	c := conn.client()
	err := c.call(ctx, constructor, 0, opNew, func(e *transport.Encoder) error {
		e.String(kind)
		e.String(signature)
		e.String(o.name)
		if args != nil {
			return args(e)
		}
		return nil
	}, func(d *transport.Decoder) (err error) { p.id, err = d.Uint(); return err })
	if err != nil {
		return err
	}
	p.instance, p.address, p.signature = c.server.instance, c.address, signature
	c.use(p.id, 1)
	p.c.Store(c)
	return nil
}

type objectOptions struct{ name string }

// An ObjectOption configures the object that a constructor makes.
type ObjectOption func(*objectOptions)

// Named names an object: a constructor returns the existing object of this name, or makes it if
// there is none. So clients that have nothing else in common can share an object. A named object
// exists until the manager ends. If the object of this name has another kind, other types or
// another size (of a queue, a semaphore, a barrier, an array or a pool), the error wraps [ErrType].
// If it exists already, the first contents of a list or a value are ignored.
func Named(name string) ObjectOption { return func(o *objectOptions) { o.name = name } }

// An encoded proxy consists of the instance, the id in 8 bytes, the sender's key in 8 bytes, the
// length of the signature in 2 bytes, the signature, and the address.
const (
	instanceSize = 26
	proxyHead    = instanceSize + 18
)

func (p *proxy) encode(e *msgpack.Encoder) error {
	if p == nil || p.id == 0 {
		return fmt.Errorf("manager: send a proxy: it is empty")
	}
	b := append([]byte(nil), p.instance...)
	b = binary.BigEndian.AppendUint64(b, p.id)
	b = binary.BigEndian.AppendUint64(b, p.depart(e))
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.signature)))
	b = append(append(b, p.signature...), p.address...)
	return e.EncodeBytes(b)
}

func (p *proxy) decode(d *msgpack.Decoder, signature string) error {
	b, err := d.DecodeBytes()
	if err != nil {
		return fmt.Errorf("manager: receive a %s: %w", signature, err)
	}
	if len(b) < proxyHead {
		return fmt.Errorf("manager: receive a %s: %w: %d bytes are not a proxy", signature, ErrType, len(b))
	}
	size := int(binary.BigEndian.Uint16(b[proxyHead-2:]))
	rest := b[proxyHead:]
	if size > len(rest) {
		return fmt.Errorf("manager: receive a %s: %w: the proxy is truncated", signature, ErrType)
	}
	p.instance, p.id = string(b[:instanceSize]), binary.BigEndian.Uint64(b[instanceSize:])
	p.sender = binary.BigEndian.Uint64(b[instanceSize+8:])
	p.signature, p.address = string(rest[:size]), string(rest[size:])
	if p.signature != signature {
		return fmt.Errorf("manager: receive a %s: %w: it is a %s", signature, ErrType, p.signature)
	}
	return nil
}

// proxiesIn returns the objects that an encoded value refers to, with one more reference each. It
// looks for the server's instance, which is random and so is nowhere but in a proxy.
func (srv *Server) proxiesIn(value []byte) []*keptObject {
	var found []*keptObject
	for {
		i := bytes.Index(value, []byte(srv.instance))
		if i < 0 || len(value) < i+instanceSize+8 {
			return found
		}
		value = value[i+instanceSize:]
		if e := srv.hold(binary.BigEndian.Uint64(value)); e != nil {
			found = append(found, e)
		}
	}
}

// signatureOf returns the kind of an object with its types.
func signatureOf(kind string, types ...reflect.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	if len(names) == 0 {
		return kind
	}
	return kind + "[" + strings.Join(names, ",") + "]"
}

func uintArg(n uint64) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error { e.Uint(n); return nil }
}
