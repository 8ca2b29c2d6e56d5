package bench

import (
	"context"
	"slices"
	"time"

	"mrrun/mapreduce"
	"mrrun/shared"
)

// A gate makes the workers of a pool begin together: each reports that it is ready, and waits.
type gate struct{ Ready, Go *shared.Semaphore }

func newGate() (gate, error) {
	ready, err := shared.NewSemaphore(0)
	if err != nil {
		return gate{}, err
	}
	open, err := shared.NewSemaphore(0)
	if err != nil {
		_ = ready.Close()
	}
	return gate{ready, open}, err
}

func (g gate) close() {
	_ = g.Ready.Close()
	_ = g.Go.Close()
}

// pass, called in a worker, reports that the worker is ready and waits until the gate opens.
func (g gate) pass(ctx context.Context) error {
	if err := g.Ready.Release(); err != nil {
		return err
	}
	return g.Go.Acquire(ctx)
}

// A crew is a pool whose workers have all started, and that begin tasks together.
type crew struct {
	*mapreduce.Pool
	gate gate
}

var arrive = mapreduce.FuncContext(func(ctx context.Context, g gate) (struct{}, error) { return struct{}{}, g.pass(ctx) })

// newCrew starts a pool and returns when all its workers have passed the gate once.
func newCrew(ctx context.Context, procs int, opts ...mapreduce.PoolOption) (crew, error) {
	g, err := newGate()
	if err != nil {
		return crew{}, err
	}
	pool, err := mapreduce.NewPool(ctx, append(opts, mapreduce.Procs(procs))...)
	if err != nil {
		g.close()
		return crew{}, err
	}
	c := crew{pool, g}
	if _, err := together(ctx, c, arrive, slices.Repeat([]gate{g}, procs)); err != nil {
		_ = c.close()
		return crew{}, err
	}
	return c, nil
}

func (c crew) close() error {
	defer c.gate.close()
	return c.Close()
}

// together runs a task in each worker, one for each of args, which must first pass the gate. It
// returns the seconds from the opening of the gate, when all are ready, to the last answer.
func together[A any](ctx context.Context, c crew, task *mapreduce.Task[A, struct{}], args []A) (float64, error) {
	// With chunks of one, no worker gets a second task before a task of the call has ended.
	answers := task.MapAsync(ctx, c.Pool, args, mapreduce.Chunksize(1), mapreduce.Retries(0), mapreduce.StopAtFirst())
	coming, stop := context.WithCancel(ctx)
	defer stop()
	answers.OnDone(func([]struct{}, error) { stop() }) // one has failed, so not all will arrive
	for range args {
		if c.gate.Ready.Acquire(coming) != nil {
			_, err := answers.Get(ctx)
			return 0, err
		}
	}
	began := time.Now()
	for range args {
		if err := c.gate.Go.Release(); err != nil {
			return 0, err
		}
	}
	_, err := answers.Get(ctx)
	return time.Since(began).Seconds(), err
}
