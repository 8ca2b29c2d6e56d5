package mapreduce

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"mrrun/transport"
)

// imapItems are the items of an Imap on their way through a pool: feed moves them from the input
// into a [window], and consume yields their results.
type imapItems[A, R any] struct {
	task *Task[A, R]
	pool *supervisor
	call *call

	mu      sync.Mutex
	changed *sync.Cond // signalled when any of the following changes
	window[A, R]
	starved bool // feed is waiting for room
	ended   bool // the input has no more items
	stopped bool // the consumer wants no more results
	left    bool // the consumer left without waiting for feed
	panicky any  // the value with which the input panicked
	failed  error
	over    bool // the call is over
}

func newImapItems[A, R any](t *Task[A, R], p *supervisor, o callOptions, unordered bool) *imapItems[A, R] {
	procs := p.size()
	size := min(max(minWindow, 4*o.chunksize*procs), maxWindow)
	m := &imapItems[A, R]{task: t, pool: p}
	m.window = newWindow[A, R](size, min(2*max(o.chunksize, 1)*procs, size), unordered)
	m.changed = sync.NewCond(&m.mu)
	m.call = newImapCall(t.entry, m, size, o)
	if unordered {
		// Half of the window is left to workers that are not held up.
		m.call.state.PerWorker = max(size/(2*procs), 1)
	}
	return m
}

// consume yields results until the end, an error, or the consumer's break.
func (m *imapItems[A, R]) consume(ctx context.Context, in iter.Seq2[A, error], yield func(Item[R], error) bool) {
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		m.feed(in)
	}()
	var watching sync.WaitGroup
	watching.Go(func() {
		<-m.call.over
		m.set(func() { m.over = true })
	})
	unwatch := context.AfterFunc(ctx, func() { m.cancel(context.Cause(ctx)) })
	finished := false
	defer func() { // runs also when the consumer breaks or panics
		unwatch()
		m.set(func() { m.stopped = true })
		if !finished {
			m.cancel(context.Canceled)
		}
		watching.Wait()
		m.leave(ctx, fed, finished)
		m.set(m.releaseAll)
		if m.panicky != nil {
			panic(m.panicky)
		}
	}()
	for {
		result, failure, ok := m.next()
		if !ok {
			break
		}
		var err error
		if failure != nil {
			err = failure
		}
		if !yield(result, err) {
			return
		}
	}
	<-m.call.over
	finished = true
	if err := m.call.cause; err != nil && err != errPanicked {
		yield(Item[R]{}, err)
	} else if m.failed != nil {
		yield(Item[R]{}, m.failed)
	}
}

// leave waits for the step of the input that is under way. It does not wait for one that blocks if
// the Imap has ended by itself or its context or pool has ended: such an input is left behind.
func (m *imapItems[A, R]) leave(ctx context.Context, fed chan struct{}, finished bool) {
	if !finished {
		late := time.AfterFunc(closePatience, func() {
			slog.Warn("mapreduce: a loop over Imap was left, and waits for the step of its input that is under way", "task", m.task.Name())
		})
		defer late.Stop()
		select {
		case <-fed:
		case <-ctx.Done():
		case <-m.pool.ctx.Done():
		}
	}
	grace := time.NewTimer(KillGrace)
	defer grace.Stop()
	select {
	case <-fed:
		return
	case <-grace.C:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = m.panicky == nil // otherwise feed has just ended
}

func (m *imapItems[A, R]) cancel(cause error) {
	m.pool.cancelCall(m.call, cause)
}

func (m *imapItems[A, R]) set(change func()) {
	m.mu.Lock()
	change()
	m.mu.Unlock()
	m.changed.Broadcast()
}

var errPanicked = errors.New("the input panicked") // never returned: the panic continues instead

// feed takes items from the input while there is room for them.
func (m *imapItems[A, R]) feed(in iter.Seq2[A, error]) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p == nil {
			p = "mapreduce: the input of Imap called runtime.Goexit"
		}
		m.set(func() {
			if m.left {
				slog.Error("mapreduce: an input of Imap that was left behind panicked", "panic", p, "stack", string(debug.Stack()))
			} else {
				m.panicky = p
			}
		})
		m.cancel(errPanicked)
	}()
	for arg, err := range in {
		if err != nil {
			m.set(func() { m.failed = err })
			break
		}
		if !m.take(arg, m.task.arg.Keeping(&arg)) {
			returned = true
			return
		}
	}
	returned = true
	m.set(func() { m.ended = true })
	m.call.ended.Store(true)
	m.pool.flow(m.call)
}

// take puts an item into the window, and waits for room before the input computes the next one. It
// returns false if no more items are wanted.
func (m *imapItems[A, R]) take(arg A, cargo *transport.Cargo) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || m.over {
		cargo.Release()
		return false
	}
	m.put(arg, cargo)
	m.call.have.Store(int64(m.taken))
	m.pool.flow(m.call)
	for m.full() && !m.stopped && !m.over {
		m.starved = true
		m.changed.Wait()
	}
	return !m.stopped && !m.over
}

// next waits for the next result. ok is false if none will come.
func (m *imapItems[A, R]) next() (result Item[R], failure *TaskError, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if i, ok := m.done(); ok {
			result, failure = m.yield(i)
			m.call.consumed.Store(int64(m.yielded))
			m.pool.flow(m.call)
			m.roomier()
			return result, failure, true
		}
		if m.over || m.ended && m.yielded == m.taken {
			return result, nil, false
		}
		m.changed.Wait()
	}
}

// roomier wakes feed if there is room now. The caller must hold mu.
func (m *imapItems[A, R]) roomier() {
	if m.starved && !m.full() {
		m.starved = false
		m.changed.Broadcast()
	}
}
