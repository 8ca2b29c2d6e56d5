package shm

import (
	"container/list"
	"context"
)

// A crowd is the goroutines of one process that wait at one word. The first waits in the kernel, and looks for all.
type crowd struct {
	waiting list.List // of *onlooker
}

// An onlooker waits until it is called: with true when it is ready, with false when it shall be the one that looks.
type onlooker struct {
	ready  func() bool
	called chan bool
}

// A word that crowds wait at is changes(31) | crowded(1).
const crowded = 1

// Await blocks until ready reports true, or ctx ends: then it returns the cause. Whoever brings it about then calls
// [Word.Knock] of w, a word of o. ready must be quick, as any goroutine of the process may call it, and must not
// become false again. Each [Slice] it is asked anyhow, and before that poll, which retires those who died instead of
// bringing it about.
func (p *Process) Await(ctx context.Context, o Object, w *Word, ready func() bool, poll func()) error {
	if ready() || p.Spin(ready) {
		return nil
	}
	me := &onlooker{ready, make(chan bool, 1)}
	p.mu.Lock()
	c := p.crowds[w]
	first := c == nil
	if first {
		c = &crowd{}
		p.crowds[w] = c
	}
	at := c.waiting.PushBack(me)
	p.mu.Unlock()
	defer p.leave(w, c, at)
	if !first {
		if ready() { // who looks for all may have done so before this one came
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

func (p *Process) lookForAll(ctx context.Context, o Object, w *Word, c *crowd, me *onlooker, poll func()) error {
	edge := p.Waits(o)
	defer edge.Clear()
	known := false
	for {
		v := w.Load()
		if v&crowded == 0 && !w.CompareAndSwap(v, v|crowded) {
			continue
		}
		if p.call(c, me) {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.WaitContext(ctx, v|crowded, Slice) {
			poll()
			if !known {
				p.Site()
				known = true
			}
		}
	}
}

// call calls those that are ready, and reports whether me is.
func (p *Process) call(c *crowd, me *onlooker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at := c.waiting.Front(); at != nil; {
		next := at.Next()
		if k := at.Value.(*onlooker); k != me && k.ready() {
			c.waiting.Remove(at)
			k.called <- true
		}
		at = next
	}
	return me.ready()
}

// leave takes one out of the crowd; if it was the one that looks, the next one does.
func (p *Process) leave(w *Word, c *crowd, at *list.Element) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.waiting.Remove(at)
	select {
	case done := <-at.Value.(*onlooker).called:
		if done {
			return
		}
	default:
		return
	}
	if next := c.waiting.Front(); next != nil {
		next.Value.(*onlooker).called <- false
	} else if p.crowds[w] == c {
		delete(p.crowds, w)
	}
}

// Knock makes all look again that [Process.Await] has made wait at the word, in whichever process.
func (w *Word) Knock() {
	for v := w.Load(); v&crowded != 0; v = w.Load() {
		if w.CompareAndSwap(v, v+1) { // one more change, and nobody there
			w.WakeAll()
			return
		}
	}
}

// Alarm is Knock for repairs: somebody may have died while knocking.
func (w *Word) Alarm() {
	w.Knock()
	w.WakeAll()
}
