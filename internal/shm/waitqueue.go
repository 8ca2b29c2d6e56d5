package shm

import (
	"container/list"
	"context"
)

// A waitQueue is the goroutines of one process that wait at one word. The first waits in the
// kernel, and looks for all.
type waitQueue struct {
	waiting list.List // of *waiter
}

// A waiter waits until it receives from called: true if it is ready, false if it must look for all
// from now on.
type waiter struct {
	ready  func() bool
	called chan bool
}

// A word with wait queues is changes(31) | waitedFor(1).
const waitedFor = 1

// Await blocks until ready reports true, or ctx ends; then it returns the cause. The process that
// makes ready true must then call [Word.WakeWaiters] of w, a word of o. ready must be quick, as any
// goroutine of the process may call it, and must not become false again. Await calls ready every
// [Slice] in any case, and before that poll, which must reap the processes that died without
// making ready true.
func (p *Process) Await(ctx context.Context, o Object, w *Word, ready func() bool, poll func()) error {
	if ready() || p.Spin(ready) {
		return nil
	}
	me := &waiter{ready, make(chan bool, 1)}
	p.mu.Lock()
	c := p.queues[w]
	first := c == nil
	if first {
		c = &waitQueue{}
		p.queues[w] = c
	}
	at := c.waiting.PushBack(me)
	p.mu.Unlock()
	defer p.leave(w, c, at)
	if !first {
		if ready() { // the one that looks for all may have looked before this waiter joined
			return nil
		}
		select {
		case done := <-me.called:
			if done {
				return nil
			}
			me.called <- false // for leave
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	} else {
		me.called <- false
	}
	return p.lookForAll(ctx, o, w, c, me, poll)
}

func (p *Process) lookForAll(ctx context.Context, o Object, w *Word, c *waitQueue, me *waiter, poll func()) error {
	edge := p.Waits(o)
	defer edge.Clear()
	known := false
	for {
		v := w.Load()
		if v&waitedFor == 0 && !w.CompareAndSwap(v, v|waitedFor) {
			continue
		}
		if p.call(c, me) {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.WaitContext(ctx, v|waitedFor, Slice) {
			poll()
			if !known {
				p.Site()
				known = true
			}
		}
	}
}

// call calls the waiters that are ready, and reports whether me is ready.
func (p *Process) call(c *waitQueue, me *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := c.waiting.Front(); at != nil; {
		next := at.Next()
		if k := at.Value.(*waiter); k != me && k.ready() {
			c.waiting.Remove(at)
			k.called <- true
		}
		at = next
	}
	return me.ready()
}

// leave removes a waiter from the queue. If it was the one that looks for all, the next one takes
// over.
func (p *Process) leave(w *Word, c *waitQueue, at *list.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.waiting.Remove(at)
	select {
	case done := <-at.Value.(*waiter).called:
		if done {
			return
		}
	default:
		return
	}
	if next := c.waiting.Front(); next != nil {
		next.Value.(*waiter).called <- false
	} else if p.queues[w] == c {
		delete(p.queues, w)
	}
}

// WakeWaiters wakes all that wait at the word in [Process.Await], in all processes: they look
// again.
func (w *Word) WakeWaiters() {
	for v := w.Load(); v&waitedFor != 0; v = w.Load() {
		if w.CompareAndSwap(v, v+1) { // one more change, and no waiters
			w.WakeAll()
			return
		}
	}
}

// WakeWaitersAgain is WakeWaiters for repairs: the process that died may have been about to wake
// them.
func (w *Word) WakeWaitersAgain() {
	w.WakeWaiters()
	w.WakeAll()
}
