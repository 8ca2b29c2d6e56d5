package manager

import (
	"context"
	"fmt"
	"os"
	"sync"

	"mrrun/mapreduce"
	"mrrun/transport"
)

func init() {
	makers["pool"] = func(_ *session, args *transport.Decoder) (object, error) {
		procs, err := args.Uint()
		if err != nil {
			return nil, err
		}
		if procs > mapreduce.MaxProcs {
			return nil, fmt.Errorf("%w: a pool of %d workers", ErrType, procs)
		}
		return &poolObject{procs: int(procs), users: make(map[*session]struct{}), ended: make(chan struct{})}, nil
	}
}

// A poolObject runs a pool while sessions use it.
type poolObject struct {
	procs int

	mu     sync.Mutex      // held while workers start and end, so locking it may block for long
	pool   *mapreduce.Pool // nil while no session uses it
	users  map[*session]struct{}
	closed bool          // more calls are refused
	ended  chan struct{} // closed when the pool is closed and its workers have ended
	err    error         // the result of closing the pool; may be read once ended is closed
}

func (o *poolObject) call(c *call) error {
	s, id := c.s, c.object
	switch op(c.method) {
	case opNewPool:
		return c.later(func(ctx context.Context) ([]byte, error) { _, err := o.use(ctx, s, id); return nil, err })
	case opMap, opApply:
		return o.run(c)
	case opClose:
		return c.later(func(context.Context) ([]byte, error) { o.leave(s); return nil, nil })
	case opClosePool, opTerminate:
		atOnce := op(c.method) == opTerminate
		return c.later(func(ctx context.Context) ([]byte, error) { return nil, o.close(ctx, atOnce) })
	}
	return c.unknown("pool")
}

// run runs a registered task on the pool.
func (o *poolObject) run(c *call) error {
	name, err := c.in.String()
	if err != nil {
		return err
	}
	signature, err := c.in.String()
	if err != nil {
		return err
	}
	task, err := lookupPoolTask(name, signature)
	if err != nil {
		return err
	}
	s, id, args := c.s, c.object, c.s.srv.store(c.in.Rest())
	return c.later(func(ctx context.Context) ([]byte, error) {
		defer s.srv.release(args)
		pool, err := o.use(ctx, s, id)
		if err != nil {
			return nil, err
		}
		args.depart()
		return task.run(ctx, pool, transport.NewDecoder(args.b))
	})
}

// use returns the pool, which the session uses from now on. It starts the pool if no session was
// using it.
func (o *poolObject) use(ctx context.Context, s *session, id uint64) (*mapreduce.Pool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, mapreduce.ErrClosed
	}
	if o.pool == nil {
		pool, err := startPool(ctx, o.procs, poolName(s.srv.instance, id))
		if err != nil {
			return nil, fmt.Errorf("start workers in the manager's process: %w", err)
		}
		o.pool = pool
	}
	o.users[s] = struct{}{}
	return o.pool, nil
}

// startPool starts a pool, or none if ctx ends before the pool is ready. Its workers, and the
// processes that these start, find its name in their environment.
func startPool(ctx context.Context, procs int, name string) (*mapreduce.Pool, error) {
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	pool, err := mapreduce.NewPool(life, mapreduce.Procs(procs), mapreduce.Env(poolsVariable+"="+os.Getenv(poolsVariable)+name))
	if !stop() {
		if err == nil {
			pool.Terminate()
		}
		return nil, context.Canceled
	}
	return pool, err
}

// leave ends a session's use of the pool. It ends the workers if no other session uses them.
func (o *poolObject) leave(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.users, s)
	if len(o.users) > 0 || o.pool == nil {
		return
	}
	o.pool.Terminate()
	o.pool = nil
	if o.closed {
		<-o.ended
	}
}

// close closes the pool for all sessions. It returns when the pool has ended, or when ctx ends;
// then the pool goes on closing. With atOnce the calls under way are cancelled, otherwise the pool
// waits for them.
func (o *poolObject) close(ctx context.Context, atOnce bool) error {
	o.mu.Lock()
	pool := o.pool
	if !o.closed {
		o.closed = true
		go func() {
			defer close(o.ended)
			if pool != nil {
				o.err = pool.Close()
			}
		}()
	}
	o.mu.Unlock()
	if atOnce && pool != nil {
		pool.Terminate()
	}
	select {
	case <-o.ended:
		return o.err
	case <-ctx.Done():
		return context.Canceled
	}
}
