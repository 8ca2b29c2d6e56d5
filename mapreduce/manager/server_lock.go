package manager

import (
	"context"
	"sync"
	"sync/atomic"

	"mrrun/shared"
)

// A lockObject is held by a session. On release it passes directly to the longest-waiting session.
type lockObject struct {
	number atomic.Uint64 // of the object, for the log
	mu     sync.Mutex
	again  bool // its holder may lock it again
	holder *session
	depth  int
	broken bool // a holder has died, and no client has called MarkConsistent since
	lost   bool // it was released while broken
	line   line
	conds  []*line // the waiters of each cond
}

func (o *lockObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == s {
		o.broken = true
		o.handOn()
		for _, c := range o.conds {
			o.wake(c, c.len())
		}
	}
}

// handOn gives the lock to the next waiter, if there is one.
func (o *lockObject) handOn() {
	o.holder, o.depth = nil, 0
	if o.lost {
		o.line.all(shared.ErrNotRecoverable)
		return
	}
	if t := o.line.next(); t != nil {
		t.ready <- o.take(t.s)
	}
}

func (o *lockObject) take(s *session) error {
	o.holder, o.depth = s, 1
	if o.broken {
		return shared.ErrOwnerDied
	}
	return nil
}

// tryLock reports whether the call is answered at once, as the lock was free, is held by s and may
// be locked again, or is lost; err then is the result of the locking.
func (o *lockObject) tryLock(s *session) (bool, error) {
	switch {
	case o.lost:
		return true, shared.ErrNotRecoverable
	case o.holder == nil:
		return true, o.take(s)
	case o.holder == s && o.again:
		o.depth++
		return true, nil
	}
	return false, nil
}

func (o *lockObject) unlock() {
	o.lost = o.lost || o.broken
	o.handOn()
}

// takeBack releases the lock for a holder that does not know that it holds it, and so has not
// changed what it guards: the lock stays as broken as it was.
func (o *lockObject) takeBack() {
	if o.depth--; o.depth == 0 {
		o.handOn()
	}
}

// took reports whether a call that is taken back gave its caller something to hold. Its answer, in
// the arguments of r, then is empty or a nonzero flag.
func took(r *request) bool {
	if len(r.in.Rest()) == 0 {
		return true
	}
	n, err := r.in.Uint()
	return err == nil && n != 0
}

// lockMethods are those that any client may call.
var lockMethods = methods[func(*lockObject, *request) error]{
	{opLock, (*lockObject).lock},
	{opTryLock, (*lockObject).try},
	{opNewCond, (*lockObject).newCond},
}

// holderMethods are those of the client that holds the lock.
var holderMethods = methods[func(*lockObject, *request) error]{
	{opTakeBack, (*lockObject).takeBackOf},
	{opUnlock, (*lockObject).letGo},
	{opMarkConsistent, (*lockObject).markConsistent},
}

func (o *lockObject) call(r *request) error {
	o.number.Store(r.object)
	o.mu.Lock()
	defer o.mu.Unlock()
	if run := lockMethods.find(r.method); run != nil {
		return run(o, r)
	}
	if o.holder != r.s {
		return ErrNotHeld
	}
	if run := holderMethods.find(r.method); run != nil {
		return run(o, r)
	}
	return o.callCond(r)
}

func (o *lockObject) lock(r *request) error {
	if done, err := o.tryLock(r.s); done {
		return err
	}
	t := o.line.join(r.s)
	return r.later(func(ctx context.Context) ([]byte, error) { return nil, o.wait(ctx, t) })
}

func (o *lockObject) try(r *request) error {
	done, err := o.tryLock(r.s)
	if err != nil {
		return err
	}
	return r.flag(done)
}

func (o *lockObject) takeBackOf(r *request) error {
	if took(r) {
		o.takeBack()
	}
	return nil
}

func (o *lockObject) letGo(*request) error {
	if o.depth--; o.depth == 0 {
		o.unlock()
	}
	return nil
}

func (o *lockObject) markConsistent(*request) error {
	o.broken = false
	return nil
}

// wait waits in the line. The server looks for deadlocks meanwhile.
func (o *lockObject) wait(ctx context.Context, t *ticket) error {
	defer t.s.srv.waits.add(t.s, o)()
	return t.wait(ctx, &o.mu, &o.line)
}

// heldBy returns the session that holds the lock, or nil.
func (o *lockObject) heldBy() *session {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.holder
}
