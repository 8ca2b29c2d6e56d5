package mapreduce

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// An itemDeadline is the context of an item that has a timeout. The driver says when its time is over: it knows which of it
// counts. To those who derive contexts from it, it is one that ends with [context.DeadlineExceeded].
type itemDeadline struct {
	context.Context // ends with the cause
	end             context.CancelCauseFunc
	tag             uint32
	offset          int
	at              time.Time
	timeout         time.Duration
	done            chan struct{}
	expired         atomic.Bool
}

// withDeadline returns a context of an item that runs from now on. cancel must be called when it is done.
func (r *chunkRun) withDeadline(item *itemContext, offset int) (ctx context.Context, cancel func()) {
	d := &itemDeadline{tag: r.tag, offset: offset, done: make(chan struct{}), timeout: time.Duration(r.session.timeout)}
	d.at = time.Now().Add(d.timeout)
	d.Context, d.end = context.WithCancelCause(item)
	follow := context.AfterFunc(d.Context, func() { close(d.done) })
	r.deadline.Store(d)
	return d, func() {
		r.deadline.Store(nil)
		if follow() {
			close(d.done)
		}
		d.end(nil)
	}
}

// expire ends the context of an item, if it still runs.
func (s *server) expire(tag uint32, offset int) {
	if d := s.deadline.Load(); d != nil && d.tag == tag && d.offset == offset {
		d.expired.Store(true)
		d.end(fmt.Errorf("%w of %v", ErrTimeout, d.timeout))
	}
}

// Deadline implements [context.Context]. The context may end later: see [Timeout].
func (d *itemDeadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *itemDeadline) Done() <-chan struct{} { return d.done }

// Err implements [context.Context].
func (d *itemDeadline) Err() error {
	select {
	case <-d.done:
	default:
		return nil
	}
	if d.expired.Load() {
		return context.DeadlineExceeded
	}
	return d.Context.Err()
}
