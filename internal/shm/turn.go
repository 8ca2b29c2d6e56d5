package shm

import (
	"container/list"
	"context"
)

// A turn is the right to wait for an object in the kernel. One goroutine of the process has it; the
// others queue.
type turn struct {
	waiting list.List // of chan struct{}, closed when the turn is handed over
}

// TakeTurn blocks until it is this goroutine's turn to wait for o, or ctx ends; then it returns the
// cause. Turns pass in the order of arrival. If TakeTurn returns nil, the goroutine must call
// [Process.PassTurn] when it waits no more.
func (p *Process) TakeTurn(ctx context.Context, o Object) error {
	p.mu.Lock()
	t := p.turns[o.unit]
	if t == nil {
		p.turns[o.unit] = &turn{}
		p.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	at := t.waiting.PushBack(mine)
	p.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-mine: // the turn came at the same moment
		p.pass(o)
	default:
		t.waiting.Remove(at)
	}
	return context.Cause(ctx)
}

// PassTurn passes the turn to the next goroutine.
func (p *Process) PassTurn(o Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass(o)
}

func (p *Process) pass(o Object) {
	t := p.turns[o.unit]
	if next := t.waiting.Front(); next != nil {
		close(t.waiting.Remove(next).(chan struct{}))
	} else {
		delete(p.turns, o.unit)
	}
}
