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

// A stream is an input on its way through a pool: feed moves items from the input into a [window],
// and consume yields their results.
type stream[A, R any] struct {
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

func newStream[A, R any](t *Task[A, R], p *supervisor, o callOptions, unordered bool) *stream[A, R] {
	size := min(max(minWindow, 4*o.chunksize*p.options.procs), maxWindow)
	s := &stream[A, R]{task: t, pool: p}
	s.window = newWindow[A, R](size, min(2*max(o.chunksize, 1)*p.options.procs, size), unordered)
	s.changed = sync.NewCond(&s.mu)
	s.call = newStreamCall(t.entry, s, size, o)
	if unordered {
		// Half of the window is left to workers that are not held up.
		s.call.state.PerWorker = max(size/(2*p.options.procs), 1)
	}
	return s
}

// consume yields results until the end, an error, or the consumer's break.
func (s *stream[A, R]) consume(ctx context.Context, in iter.Seq2[A, error], yield func(Item[R], error) bool) {
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		s.feed(in)
	}()
	var watching sync.WaitGroup
	watching.Go(func() {
		<-s.call.over
		s.set(func() { s.over = true })
	})
	unwatch := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	finished := false
	defer func() { // runs also when the consumer breaks or panics
		unwatch()
		s.set(func() { s.stopped = true })
		if !finished {
			s.cancel(context.Canceled)
		}
		watching.Wait()
		s.leave(ctx, fed, finished)
		s.set(s.releaseAll)
		if s.panicky != nil {
			panic(s.panicky)
		}
	}()
	for {
		result, failure, ok := s.next()
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
	<-s.call.over
	finished = true
	if err := s.call.cause; err != nil && err != errPanicked {
		yield(Item[R]{}, err)
	} else if s.failed != nil {
		yield(Item[R]{}, s.failed)
	}
}

// leave waits for the step of the input that is under way. It does not wait for one that blocks if
// the stream has ended by itself or its context or pool has ended: such an input is left behind.
func (s *stream[A, R]) leave(ctx context.Context, fed chan struct{}, finished bool) {
	if !finished {
		late := time.AfterFunc(closePatience, func() {
			slog.Warn("mapreduce: a loop over Imap was left, and waits for the step of its input that is under way", "task", s.task.Name())
		})
		defer late.Stop()
		select {
		case <-fed:
		case <-ctx.Done():
		case <-s.pool.ctx.Done():
		}
	}
	grace := time.NewTimer(KillGrace)
	defer grace.Stop()
	select {
	case <-fed:
		return
	case <-grace.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = s.panicky == nil // otherwise feed has just ended
}

func (s *stream[A, R]) cancel(cause error) {
	s.pool.cancelCall(s.call, cause)
}

func (s *stream[A, R]) set(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	s.changed.Broadcast()
}

var errPanicked = errors.New("the input panicked") // never returned: the panic continues instead

// feed takes items from the input while there is room for them.
func (s *stream[A, R]) feed(in iter.Seq2[A, error]) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p == nil {
			p = "mapreduce: the input of Imap called runtime.Goexit"
		}
		s.set(func() {
			if s.left {
				slog.Error("mapreduce: an input of Imap that was left behind panicked", "panic", p, "stack", string(debug.Stack()))
			} else {
				s.panicky = p
			}
		})
		s.cancel(errPanicked)
	}()
	for arg, err := range in {
		if err != nil {
			s.set(func() { s.failed = err })
			break
		}
		if !s.take(arg, s.task.arg.Keeping(&arg)) {
			returned = true
			return
		}
	}
	returned = true
	s.set(func() { s.ended = true })
	s.call.ended.Store(true)
	s.pool.flow(s.call)
}

// take puts an item into the window, and waits for room before the input computes the next one. It
// returns false if no more items are wanted.
func (s *stream[A, R]) take(arg A, cargo *transport.Cargo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.over {
		cargo.Release()
		return false
	}
	s.put(arg, cargo)
	s.call.have.Store(int64(s.taken))
	s.pool.flow(s.call)
	for s.full() && !s.stopped && !s.over {
		s.starved = true
		s.changed.Wait()
	}
	return !s.stopped && !s.over
}

// next waits for the next result. ok is false if none will come.
func (s *stream[A, R]) next() (result Item[R], failure *TaskError, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if i, ok := s.done(); ok {
			result, failure = s.yield(i)
			s.call.consumed.Store(int64(s.yielded))
			s.pool.flow(s.call)
			s.roomier()
			return result, failure, true
		}
		if s.over || s.ended && s.yielded == s.taken {
			return result, nil, false
		}
		s.changed.Wait()
	}
}

// roomier wakes feed if there is room now. The caller must hold mu.
func (s *stream[A, R]) roomier() {
	if s.starved && !s.full() {
		s.starved = false
		s.changed.Broadcast()
	}
}
