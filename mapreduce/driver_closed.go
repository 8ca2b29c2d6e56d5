package mapreduce

import (
	"context"
	"sync"
)

// A gate counts the verbs that use a pool, and the callbacks of their futures: [Pool.Close] waits
// for both.
type gate struct {
	mu     sync.Mutex // guards the following, and enter against Close
	closed bool       // no verb may enter any more
	deaf   bool       // Close waits for callbacks, or has, and can wait for no more

	active    sync.WaitGroup // verbs that have entered
	callbacks sync.WaitGroup
}

// enter begins a use of a verb. The caller must call leave at the end, unless enter fails.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.active.Add(1)
	return nil
}

func (g *gate) leave() { g.active.Done() }

// shut refuses further verbs.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// goCallback calls f in a new goroutine, for which Close waits unless it already waits for
// callbacks.
func (g *gate) goCallback(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deaf {
		go f()
	} else {
		g.callbacks.Go(f)
	}
}

// awaitCallbacks waits for the callbacks, after which nothing waits for further ones.
func (g *gate) awaitCallbacks() {
	g.mu.Lock()
	g.deaf = true
	g.mu.Unlock()
	g.callbacks.Wait()
}

// enter begins a use of a verb, for which Close waits. The caller must call p.gate.leave at the
// end, unless enter fails.
func (p *Pool) enter(ctx context.Context) error {
	if ctx == nil {
		return errNoContext
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if item := currentItem(ctx); item != nil && item.chunk.host == &p.supervisor.host {
		return errOwnPool
	}
	if err := p.gate.enter(); err != nil {
		return err
	}
	if err := p.supervisor.hasEnded(); err != nil {
		p.gate.leave()
		return err
	}
	return nil
}
