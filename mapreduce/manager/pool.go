package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/mapreduce"
)

// A Pool is a [mapreduce.Pool] on a manager: its workers are child processes of the manager's
// process, and so run on the manager's machine. Clients use it to run tasks that [PoolTask] has
// registered. It is made by [NewPool] and used by pointer; all methods, and the methods of tasks
// that use it, are safe for concurrent use.
//
// Its workers run while a client uses it: from the first use until the last client that has used it
// has closed its last proxy, or is gone. A later use starts new workers. When the connection of a
// client ends, its calls under way are cancelled. In a task of the pool, the methods of tasks that
// use the same pool return an error, because all workers of the pool could end up waiting for each
// other.
type Pool struct{ proxy }

// NewPool makes a pool of procs workers and returns when the first is ready. procs is 1 to
// [mapreduce.MaxProcs], or 0 for as many workers as the manager has usable cores. With 0, NewPool
// returns a [Named] pool that exists already whatever its number of workers is.
//
// The error wraps [mapreduce.ErrNotInitialized] if the program that serves the manager has entered
// neither [mapreduce.Main] nor [mapreduce.Init]. A manager made by [Start] is itself a worker, and
// counts as one towards the limit on how deep pools may be nested in workers.
func NewPool(ctx context.Context, c Conn, procs int, opts ...ObjectOption) (*Pool, error) {
	if procs < 0 || procs > mapreduce.MaxProcs {
		return nil, fmt.Errorf("manager: NewPool: %d workers: must be from 1 to %d, or 0 for as many as there are cores",
			procs, mapreduce.MaxProcs)
	}
	p := &Pool{}
	if err := p.create(ctx, c, "NewPool", "pool", "pool", opts, uintArg(uint64(procs))); err != nil {
		return nil, err
	}
	if err := p.call(ctx, opNewPool, nil, nil); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// poolsVariable is the environment variable that holds, in a worker of managers' pools, the names
// of those pools.
const poolsVariable = "MRRUN_MANAGER_POOLS"

func poolName(instance string, id uint64) string { return fmt.Sprintf("%s:%d ", instance, id) }

// isOwn reports whether this process is one of the pool's workers, or was started by one.
func (p *Pool) isOwn() bool {
	return strings.Contains(os.Getenv(poolsVariable), poolName(p.instance, p.id))
}

var errOwnPool = errors.New("this is a task of the same pool, and could wait for ever for one of its workers: make another pool for what tasks begin")

// EncodeMsgpack sends the proxy.
func (p *Pool) EncodeMsgpack(e *msgpack.Encoder) error { return p.encode(e) }

// DecodeMsgpack receives a proxy.
func (p *Pool) DecodeMsgpack(d *msgpack.Decoder) error { return p.decode(d, "pool") }

// Close ends the use of this proxy. When no client uses the pool any more, Close cancels the calls
// under way and ends the workers; it returns when they have ended, unless the manager does not
// answer. It may be called again.
func (p *Pool) Close() error {
	c := p.end()
	if c == nil {
		return nil
	}
	ctx, cancel := briefly()
	defer cancel()
	err := c.call(ctx, "Pool.Close", p.id, opClose, nil, nil)
	if errors.Is(err, ErrNoAnswer) {
		err = nil
	}
	return cmp.Or(err, c.drop(p.id))
}

// ClosePool ends the pool for all its clients: it waits for the calls under way and for the end of
// the workers; later calls get [mapreduce.ErrClosed]. If ctx ends first, ClosePool returns its
// cause, and the pool goes on closing. Close, as with all proxies, ends only the use of this one.
func (p *Pool) ClosePool(ctx context.Context) error {
	return p.call(ctx, "Pool."+opClosePool, nil, nil)
}

// Terminate ends the pool for all its clients. It does not wait for the calls under way, which
// return an error that is [mapreduce.ErrClosed], as later calls do. It waits for the end of the
// workers.
func (p *Pool) Terminate(ctx context.Context) error {
	return p.call(ctx, "Pool."+opTerminate, nil, nil)
}
