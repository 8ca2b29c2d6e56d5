package manager

import (
	"container/list"
	"context"
	"sync"
)

// A line holds the calls that wait for something of an object, first come, first served. The
// object's mu guards it.
type line struct{ l list.List }

// A ticket is one waiter's place in a line.
type ticket struct {
	s     *session
	ready chan error // of capacity 1: the result of the wait
	item  stored     // in a queue's lines: the value that is put, or got
	place *list.Element
}

// join adds a ticket at the end of the line.
func (l *line) join(s *session) *ticket {
	t := &ticket{s: s, ready: make(chan error, 1)}
	t.place = l.l.PushBack(t)
	return t
}

// await makes a call wait in the line. The caller holds the object's mu.
func (l *line) await(r *request, mu *sync.Mutex) error {
	t := l.join(r.s)
	return r.later(func(ctx context.Context) ([]byte, error) { return nil, t.wait(ctx, mu, l) })
}

// next removes the first ticket from the line and returns it, or returns nil if the line is empty.
func (l *line) next() *ticket {
	first := l.l.Front()
	if first == nil {
		return nil
	}
	return l.l.Remove(first).(*ticket)
}

func (l *line) len() int { return l.l.Len() }

// all removes all tickets and ends their waits with err.
func (l *line) all(err error) {
	for t := l.next(); t != nil; t = l.next() {
		t.ready <- err
	}
}

// wait waits until it is the ticket's turn, or ctx ends. In the latter case it removes the ticket
// from the line, unless its turn came first.
func (t *ticket) wait(ctx context.Context, mu *sync.Mutex, l *line) error {
	select {
	case err := <-t.ready:
		return err
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	select {
	case err := <-t.ready:
		return err
	default:
		l.l.Remove(t.place)
		return context.Canceled
	}
}
