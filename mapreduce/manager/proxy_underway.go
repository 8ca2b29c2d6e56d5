package manager

import (
	"math/rand/v2"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A proxy is under way from when it is encoded to when the process that receives it uses it first: as an argument or result of a
// task, in a pipe or a queue, on a disk. The manager is told of both, so that the sender may close its own proxy, or end, at once.
// As nobody knows whether a proxy ever arrives, this keeps the object for a time after its sender has let it go.
//
// An argument of a pool's task or of a process is kept by the process that sends it, until all is done with it: it may be sent
// later, and again.
//
// A proxy that is sent to its own manager needs none of that: the object that has it as a value refers to the other one. When the
// manager answers with that value it is the sender.

// underWay is how long an object stays after a client has let it go that had sent proxies which nobody has used.
const underWay = time.Minute

// managersKey is the sender of proxies that managers answer with.
const managersKey = 1

func newKey() uint64 { return max(managersKey+1, rand.Uint64()) }

// depart says that the proxy is under way once more, and returns the key that travels with it.
func (p *proxy) depart(e *msgpack.Encoder) (sender uint64) {
	if to, ok := e.Writer().(interface{ Receiver() string }); ok && to.Receiver() == p.instance {
		return managersKey
	}
	c := p.c.Load()
	if c == nil { // it is sent on as it has come
		return p.sender
	}
	if kept, ok := e.Writer().(interface{ Carry(func() func()) bool }); ok && kept.Carry(func() func() { return c.pin(p.id) }) {
		return 0
	}
	if c.tell(0, "Depart", travels(p.id, c.key)) {
		c.flushBriefly()
	}
	return c.key
}

// pin has this client use an object until unpin is called.
func (c *Client) pin(id uint64) (unpin func()) {
	c.use(id, 1)
	return func() {
		if c.use(id, -1) == 0 && c.tell(0, "Close", uintArg(id)) {
			c.send()
		}
	}
}

// arrived says that a proxy that was received is used from now on.
func (c *Client) arrived(p *proxy) {
	if p.sender != 0 && c.tell(0, "Arrive", travels(p.id, p.sender)) {
		c.send()
	}
}

func travels(id, sender uint64) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		e.Uint(id)
		e.Uint(sender)
		return nil
	}
}

// flushBriefly returns when all was written that was added, as this process may end then, or when the manager takes nothing.
func (c *Client) flushBriefly() {
	if c.out.TryFlush() {
		return
	}
	flushed := make(chan struct{})
	alive := c.spawn(func() {
		defer close(flushed)
		if err := c.out.Flush(); err != nil {
			c.lost(err)
		}
	})
	if !alive {
		return
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-flushed:
	case <-late.C:
	}
}
