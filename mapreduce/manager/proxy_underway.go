package manager

import (
	"math/rand/v2"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// A proxy is under way from when it is encoded to when the process that receives it first uses it:
// as an argument or result of a task, in a pipe or a queue, on a disk. The manager is told of both,
// so that the sender may close its own proxy, or end, at once. Nobody knows whether a proxy will
// ever arrive, so the manager keeps the object for a limited time after its sender has let it go.
//
// When a proxy is an argument of a pool's task or of a process, the process that sends it keeps the
// object until the task or process is done: the argument may be sent later, and again.
//
// A proxy that is sent to its own manager needs none of that: the object in which it is a value
// refers to the proxy's object. When the manager answers with that value, the manager is the
// sender.

// underWay is how long an object stays after its client has let it go, if proxies that the client
// has sent have not been used yet.
const underWay = time.Minute

// managersKey is the sender of the proxies in the manager's answers.
const managersKey = 1

func newKey() uint64 { return max(managersKey+1, rand.Uint64()) }

// depart tells the manager that the proxy is under way once more, and returns the sender's key,
// which travels with the proxy.
func (p *proxy) depart(e *msgpack.Encoder) (sender uint64) {
	if to, ok := e.Writer().(interface{ Receiver() string }); ok && to.Receiver() == p.instance {
		return managersKey
	}
	c := p.c.Load()
	if c == nil { // an unused proxy is sent on as it came
		return p.sender
	}
	if kept, ok := e.Writer().(interface{ Carry(func() func()) bool }); ok && kept.Carry(func() func() { return c.pin(p.id) }) {
		return 0
	}
	if c.tell(0, opDepart, travels(p.id, c.key)) {
		c.flushBriefly()
	}
	return c.key
}

// pin keeps this client a user of an object until unpin is called.
func (c *Client) pin(id uint64) (unpin func()) {
	c.use(id, 1)
	return func() {
		if c.use(id, -1) == 0 && c.tell(0, opClose, uintArg(id)) {
			c.flusher.Soon()
		}
	}
}

// arrived tells the manager that a proxy that was received is used from now on.
func (c *Client) arrived(p *proxy) {
	if p.sender != 0 && c.tell(0, opArrive, travels(p.id, p.sender)) {
		c.flusher.Soon()
	}
}

func travels(id, sender uint64) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error {
		e.Uint(id)
		e.Uint(sender)
		return nil
	}
}

// flushBriefly writes all that was added, as this process may end right after. It gives up after
// grace if the manager takes nothing.
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
