package manager

import (
	"container/list"
	"context"
	"sync"
)

// A line has those that wait for something of an object, first come, first served. The object's mu guards it.
type line struct{ l list.List }

// A ticket is one place in a line.
type ticket struct {
	s     *session
	ready chan error // takes one
	item  stored     // what a queue's ticket brings or gets
	place *list.Element
}

// join goes to the end of the line.
func (l *line) join(s *session) *ticket {
	t := &ticket{s: s, ready: make(chan error, 1)}
	t.place = l.l.PushBack(t)
	return t
}

// next takes the first out of the line, or returns nil.
func (l *line) next() *ticket {
	first := l.l.Front()
	if first == nil {
		return nil
	}
	return l.l.Remove(first).(*ticket)
}

func (l *line) len() int { return l.l.Len() }

// all has everybody go on, with err.
func (l *line) all(err error) {
	for t := l.next(); t != nil; t = l.next() {
		t.ready <- err
	}
}

// wait waits until it is the ticket's turn, or ctx ends; then the ticket is out of the line, unless its turn came before.
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
