package shm

import (
	"container/list"
	"context"
)

// A turn is the right to wait for an object in the kernel. One goroutine of the process has it; the others queue.
type turn struct {
	waiting list.List // of chan struct{}, closed when it is handed over
}

// TakeTurn waits until it is this goroutine's turn to wait for o; turns are handed on in the order of arrival. After nil the
// goroutine calls [Process.PassTurn] when it waits no more. When ctx ends, so does the wait, with its cause.
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
	case <-mine: // it came all the same
		p.pass(o)
	default:
		t.waiting.Remove(at)
	}
	return context.Cause(ctx)
}

// PassTurn hands the turn on.
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
