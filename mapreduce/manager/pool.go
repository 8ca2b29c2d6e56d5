package manager

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/mapreduce"
)

// A Pool is a [mapreduce.Pool] on a manager: its workers are processes that the manager's process has started, so they run
// where the manager does. Clients have it run tasks that [PoolTask] has registered. It is made by [NewPool] and used by
// pointer; all methods, and the verbs of tasks that use it, are safe for concurrent use.
//
// Its workers run while a client uses it: from the first use to when the last client that has used it has closed its last
// proxy, or has gone. A later use starts new ones. When a client's connection ends, its calls under way are cancelled. A
// task must not wait for another one of the same pool, which may wait for a worker likewise.
type Pool struct{ proxy }

// NewPool makes a pool of procs workers, 1 to [mapreduce.MaxProcs], or 0 for as many as the manager has usable cores, and
// returns when the first is ready. With 0 a [Named] pool that is there already is returned
// whatever number it has.
//
// The error wraps [mapreduce.ErrNotInitialized] if the manager is served by a program that has entered neither
// [mapreduce.Main] nor [mapreduce.Init]. A manager made by [Start] is a worker itself, which counts in how deep pools
// may be made within workers.
func NewPool(ctx context.Context, c Conn, procs int, opts ...ObjectOption) (*Pool, error) {
	if procs < 0 || procs > mapreduce.MaxProcs {
		return nil, fmt.Errorf("manager: NewPool: %d workers: it takes 1 to %d, or 0 for as many as there are cores",
			procs, mapreduce.MaxProcs)
	}
	p := &Pool{}
	if err := p.create(ctx, c, "NewPool", "pool", "pool", opts, uintArg(uint64(procs))); err != nil {
		return nil, err
	}
	if err := p.call(ctx, "NewPool", nil, nil); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

// EncodeMsgpack sends the proxy.
func (p *Pool) EncodeMsgpack(e *msgpack.Encoder) error { return p.encode(e) }

// DecodeMsgpack receives a proxy.
func (p *Pool) DecodeMsgpack(d *msgpack.Decoder) error { return p.decode(d, "pool") }

// Close says that this proxy is used no more. The last one in use takes the workers with it, and calls that are under way:
// when it returns they have ended, unless the manager does not answer. It may be called again.
func (p *Pool) Close() error {
	c := p.end()
	if c == nil {
		return nil
	}
	ctx, cancel := briefly()
	defer cancel()
	err := c.call(ctx, "Pool.Close", p.id, "Close", nil, nil)
	if errors.Is(err, ErrNoAnswer) {
		err = nil
	}
	return cmp.Or(err, c.drop(p.id))
}

// ClosePool ends the pool for all its clients: it waits for the calls under way and for the workers' end; calls that come
// later get [mapreduce.ErrClosed]. If ctx ends first its cause is returned, and the pool closes all the same. Close, as with
// all proxies, only ends the use of this one.
func (p *Pool) ClosePool(ctx context.Context) error { return p.call(ctx, "Pool.ClosePool", nil, nil) }

// Terminate ends the pool for all its clients, without waiting for the calls under way, which return an error that is
// [mapreduce.ErrClosed], as later ones do. It waits for the workers' end.
func (p *Pool) Terminate(ctx context.Context) error { return p.call(ctx, "Pool.Terminate", nil, nil) }
