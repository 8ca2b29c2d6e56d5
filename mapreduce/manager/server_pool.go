package manager

import (
	"context"
	"fmt"
	"os"
	"sync"

	"mrrun/mapreduce"
	"mrrun/transport"
)

// A poolObject runs a pool while sessions use it.
type poolObject struct {
	procs int

	busy   sync.Mutex      // held while workers start and end, so locking it may block for long
	pool   *mapreduce.Pool // nil while no session uses it
	closed bool            // more calls are refused
	ended  chan struct{}   // closed when the pool is closed and its workers have ended
	err    error           // the result of closing the pool; may be read once ended is closed

	mu    sync.Mutex // guards users; locked after busy
	users map[*session]struct{}
}

func newPoolObject(_ *session, args *transport.Decoder) (object, error) {
	procs, err := args.Uint()
	if err != nil {
		return nil, err
	}
	if procs > mapreduce.MaxProcs {
		return nil, fmt.Errorf("%w: a pool of %d workers", ErrType, procs)
	}
	return &poolObject{procs: int(procs), users: make(map[*session]struct{}), ended: make(chan struct{})}, nil
}

var poolOps = ops[*poolObject]{
	{opNewPool, (*poolObject).start},
	{opMap, (*poolObject).runTask},
	{opApply, (*poolObject).runTask},
	{opClose, (*poolObject).letGo},
	{opClosePool, (*poolObject).closePool},
	{opTerminate, (*poolObject).terminate},
}

func (o *poolObject) call(r *request) error { return poolOps.run(o, r, "pool") }

func (o *poolObject) start(r *request) error {
	s, id := r.s, r.object
	return r.later(func(ctx context.Context) ([]byte, error) { _, err := o.use(ctx, s, id); return nil, err })
}

func (o *poolObject) letGo(r *request) error {
	s := r.s
	return r.later(func(context.Context) ([]byte, error) { o.forget(s); o.endUnused(); return nil, nil })
}

func (o *poolObject) closePool(r *request) error {
	return r.later(func(ctx context.Context) ([]byte, error) { return nil, o.close(ctx, false) })
}

func (o *poolObject) terminate(r *request) error {
	return r.later(func(ctx context.Context) ([]byte, error) { return nil, o.close(ctx, true) })
}

// runTask runs a registered task on the pool.
func (o *poolObject) runTask(r *request) error {
	name, err := r.in.String()
	if err != nil {
		return err
	}
	signature, err := r.in.String()
	if err != nil {
		return err
	}
	task, err := lookupPoolTask(name, signature)
	if err != nil {
		return err
	}
	s, id, args := r.s, r.object, r.s.srv.store(r.in.Rest())
	return r.later(func(ctx context.Context) ([]byte, error) {
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
	o.busy.Lock()
	defer o.busy.Unlock()
	if o.closed {
		return nil, mapreduce.ErrClosed
	}
	o.mu.Lock()
	o.users[s] = struct{}{} // before workers start, so that the session can leave meanwhile
	o.mu.Unlock()
	if o.pool == nil {
		pool, err := startPool(ctx, o.procs, poolName(s.srv.instance, id))
		if err != nil {
			o.forget(s)
			return nil, fmt.Errorf("start workers in the manager's process: %w", err)
		}
		o.pool = pool
	}
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

// leave ends a session's use of the pool. If no other session uses the pool, a goroutine of the
// session ends the workers.
func (o *poolObject) leave(s *session) {
	if o.forget(s) {
		s.waiting.Go(o.endUnused)
	}
}

// forget ends a session's use of the pool, and reports whether it was the last one.
func (o *poolObject) forget(s *session) (last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, used := o.users[s]
	delete(o.users, s)
	return used && len(o.users) == 0
}

// endUnused ends the workers if no session uses them.
func (o *poolObject) endUnused() {
	o.busy.Lock()
	defer o.busy.Unlock()
	o.mu.Lock()
	used := len(o.users) > 0
	o.mu.Unlock()
	if used || o.pool == nil {
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
	o.busy.Lock()
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
	o.busy.Unlock()
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
