package manager

import (
	"sync"

	"mrrun/shared"
	"mrrun/transport"
)

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

func newBoundedObject(_ *session, args *transport.Decoder) (object, error) {
	n, err := args.Uint()
	return &semaphoreObject{free: n, has: make(map[*session]int)}, err
}

func (o *semaphoreObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range o.has[s] {
		o.pass()
	}
	delete(o.has, s)
}

// pass gives a permit to the next waiter, or frees it if there is none.
func (o *semaphoreObject) pass() {
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

var semaphoreOps = ops[*semaphoreObject]{
	{opAcquire, (*semaphoreObject).acquire},
	{opTryAcquire, (*semaphoreObject).tryAcquire},
	{opRelease, (*semaphoreObject).release},
	{opTakeBack, (*semaphoreObject).takeBack},
	{opValue, (*semaphoreObject).value},
}

func (o *semaphoreObject) call(r *request) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return semaphoreOps.run(o, r, "semaphore")
}

// try takes a permit if one is free, and reports whether it did.
func (o *semaphoreObject) try(s *session) bool {
	if o.free == 0 {
		return false
	}
	o.free--
	o.give(s)
	return true
}

func (o *semaphoreObject) acquire(r *request) error {
	if o.try(r.s) {
		return nil
	}
	return o.line.await(r, &o.mu)
}

func (o *semaphoreObject) tryAcquire(r *request) error { return r.flag(o.try(r.s)) }

func (o *semaphoreObject) release(r *request) error {
	if o.has != nil {
		if o.has[r.s] == 0 {
			return shared.ErrReleased
		}
		if o.has[r.s]--; o.has[r.s] == 0 {
			delete(o.has, r.s)
		}
	}
	o.pass()
	return nil
}

func (o *semaphoreObject) takeBack(r *request) error {
	if !took(r) {
		return nil
	}
	return o.release(r)
}

func (o *semaphoreObject) value(r *request) error {
	r.out.Uint(o.free)
	return nil
}
