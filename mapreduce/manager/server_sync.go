package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mrrun/shared"
	"mrrun/transport"
)

func init() {
	makers["semaphore"] = newSemaphoreObject
	makers["bounded"] = func(s *session, args *transport.Decoder) (object, error) {
		o, err := newSemaphoreObject(s, args)
		if err == nil {
			o.(*semaphoreObject).has = make(map[*session]int)
		}
		return o, err
	}
	makers["event"] = func(*session, *transport.Decoder) (object, error) { return &eventObject{}, nil }
	makers["barrier"] = func(_ *session, args *transport.Decoder) (object, error) {
		parties, err := args.Uint()
		if err != nil {
			return nil, err
		}
		if parties < 1 || parties > 65535 {
			return nil, fmt.Errorf("%w: a barrier for %d parties", ErrType, parties)
		}
		return &barrierObject{parties: int(parties), members: make(map[*session]struct{})}, nil
	}
}

type semaphoreObject struct {
	mu   sync.Mutex
	free uint64
	has  map[*session]int // the permits of each session, if it is bounded; otherwise nil
	line line
}

func newSemaphoreObject(_ *session, args *transport.Decoder) (object, error) {
	n, err := args.Uint()
	return &semaphoreObject{free: n}, err
}

func (o *semaphoreObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range o.has[s] {
		o.release()
	}
	delete(o.has, s)
}

// release gives a permit to the next waiter, or frees it if there is none.
func (o *semaphoreObject) release() {
	t := o.line.next()
	if t == nil {
		o.free++
		return
	}
	o.give(t.s)
	t.ready <- nil
}

func (o *semaphoreObject) give(s *session) {
	if o.has != nil {
		o.has[s]++
	}
}

func (o *semaphoreObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch op(c.method) {
	case opAcquire, opTryAcquire:
		free := o.free > 0
		if free {
			o.free--
			o.give(c.s)
		}
		if op(c.method) == opTryAcquire {
			return c.flag(free)
		}
		if free {
			return nil
		}
		t := o.line.join(c.s)
		return c.later(func(ctx context.Context) ([]byte, error) { return nil, t.wait(ctx, &o.mu, &o.line) })
	case opTakeBack, opRelease:
		if op(c.method) == opTakeBack && !took(c) {
			return nil
		}
		if o.has != nil {
			if o.has[c.s] == 0 {
				return shared.ErrReleased
			}
			if o.has[c.s]--; o.has[c.s] == 0 {
				delete(o.has, c.s)
			}
		}
		o.release()
		return nil
	case opValue:
		c.out.Uint(o.free)
		return nil
	}
	return c.unknown("semaphore")
}

type eventObject struct {
	mu   sync.Mutex
	set  bool
	line line
}

func (o *eventObject) leave(*session) {}

func (o *eventObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch op(c.method) {
	case opSet:
		o.set = true
		o.line.all(nil)
		return nil
	case opClear:
		o.set = false
		return nil
	case opIsSet:
		return c.flag(o.set)
	case opWait:
		if o.set {
			return nil
		}
		t := o.line.join(c.s)
		return c.later(func(ctx context.Context) ([]byte, error) { return nil, t.wait(ctx, &o.mu, &o.line) })
	}
	return c.unknown("event")
}

type barrierObject struct {
	mu      sync.Mutex
	parties int
	broken  bool
	members map[*session]struct{} // the sessions that have waited since it was made or last reset
	line    line
}

func (o *barrierObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, member := o.members[s]; member {
		delete(o.members, s)
		o.breakUp()
	}
}

func (o *barrierObject) breakUp() {
	o.broken = true
	o.line.all(shared.ErrBroken)
}

func (o *barrierObject) call(c *call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch op(c.method) {
	case opAbort:
		o.breakUp()
		return nil
	case opReset:
		o.line.all(shared.ErrBroken)
		o.broken = false
		clear(o.members)
		return nil
	case opWaiting:
		c.out.Uint(uint64(o.line.len()))
		return nil
	case opBroken:
		return c.flag(o.broken)
	case opWait:
		return o.wait(c)
	}
	return c.unknown("barrier")
}

func (o *barrierObject) wait(c *call) error {
	if o.broken {
		return shared.ErrBroken
	}
	o.members[c.s] = struct{}{}
	place := o.line.len()
	if place == o.parties-1 {
		o.line.all(nil)
		c.out.Uint(uint64(place))
		return nil
	}
	t := o.line.join(c.s)
	return c.later(func(ctx context.Context) ([]byte, error) {
		err := t.wait(ctx, &o.mu, &o.line)
		if errors.Is(err, context.Canceled) {
			o.mu.Lock()
			o.breakUp()
			o.mu.Unlock()
			return nil, errBrokenByCaller
		}
		return encodeUint(place), err
	})
}

// errBrokenByCaller is the error of the call whose cancelled ctx has broken the barrier.
var errBrokenByCaller = fmt.Errorf("%w: this caller no longer waits", shared.ErrBroken)
