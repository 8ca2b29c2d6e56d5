package manager

import "context"

// condMethods are the methods of one cond of the lock, whose number is their first argument. The
// caller must hold the lock.
var condMethods = methods[func(*lockObject, *request, *line) error]{
	{opWait, (*lockObject).condWait},
	{opNotify, (*lockObject).condNotify},
	{opBroadcast, (*lockObject).condNotify},
}

// callCond runs a method of a cond. The caller holds mu, and the client holds the lock.
func (o *lockObject) callCond(r *request) error {
	run := condMethods.find(r.method)
	if run == nil {
		return r.unknown("lock")
	}
	i, err := r.in.Uint()
	if err != nil {
		return err
	}
	if i >= uint64(len(o.conds)) {
		return ErrNoObject
	}
	return run(o, r, o.conds[i])
}

func (o *lockObject) newCond(r *request) error {
	o.conds = append(o.conds, &line{})
	r.out.Uint(uint64(len(o.conds) - 1))
	return nil
}

// wake wakes the first n waiters of a cond, or all if there are fewer. They then lock the lock
// again by themselves.
func (o *lockObject) wake(c *line, n int) {
	for range n {
		t := c.next()
		if t == nil {
			return
		}
		t.ready <- nil
	}
}

func (o *lockObject) condWait(r *request, cond *line) error {
	t, depth := cond.join(r.s), o.depth
	o.unlock()
	return r.later(func(ctx context.Context) ([]byte, error) { return nil, o.waitCond(ctx, cond, t, depth) })
}

func (o *lockObject) condNotify(r *request, cond *line) error {
	n, err := r.in.Uint()
	if err != nil {
		return err
	}
	o.wake(cond, int(min(n, uint64(cond.len()))))
	return nil
}

// waitCond waits for a cond and then, however that wait ended, for the lock. A session that has
// ended by then does not get the lock, which it would leave broken, and its wake-up goes to the
// next waiter of the cond.
func (o *lockObject) waitCond(ctx context.Context, cond *line, t *ticket, depth int) error {
	s := t.s
	waited := t.wait(ctx, &o.mu, cond)
	o.mu.Lock()
	defer o.mu.Unlock()
	err := s.ctx.Err()
	if err == nil {
		err = o.lockAgain(s)
	}
	if o.holder == s {
		o.depth = depth
	} else if waited == nil {
		o.wake(cond, 1)
	}
	if err != nil {
		return err
	}
	return waited
}

// lockAgain waits for the lock until it has it or the session ends. The caller holds mu, which is
// unlocked while it waits.
func (o *lockObject) lockAgain(s *session) error {
	if done, err := o.tryLock(s); done {
		return err
	}
	t := o.line.join(s)
	o.mu.Unlock()
	defer o.mu.Lock()
	return o.wait(s.ctx, t)
}
