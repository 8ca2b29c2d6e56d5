package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"mrrun/transport"
)

// minWindow is the least number of items that an [Task.Imap] may have taken and not yielded.
const minWindow = 1024

// Imap computes the task for each item of in, which may be infinite, and yields the results in input order as they come.
//
// An item that fails yields its [TaskError], and the iteration goes on; any other error, such as the cause of ctx, a
// [WorkerLostError] or an argument that cannot be encoded, is yielded once and ends it. At most a window of items, the
// larger of 1,024 and four chunks for each worker, has been taken from in and not been yielded yet: a slow consumer slows
// the input. in runs on a goroutine of its own; its panic is raised again at the consumer. After a break nothing of in
// runs any more: the break waits for the step of in that is under way.
//
// The iterator may be used once at a time.
func (t *Task[A, R]) Imap(ctx context.Context, p *Pool, in iter.Seq[A], opts ...CallOption) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var zero R
		o, err := p.options.call.with(opts)
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = p.enter()
		}
		if err != nil {
			yield(zero, err)
			return
		}
		defer p.active.Done()
		window := max(minWindow, 4*o.chunksize*p.options.procs)
		s := newStream(t, p, o, window)
		if err := p.begin(s.call); err != nil {
			yield(zero, err)
			return
		}
		s.consume(ctx, in, yield)
	}
}

// A stream is a window that moves over an input: items enter at taken, are computed in any order, and leave at head.
type stream[A, R any] struct {
	task *Task[A, R]
	pool *Pool
	call *call

	mu      sync.Mutex
	changed *sync.Cond   // signalled at every change of what follows
	slots   []slot[A, R] // item i is at i % len(slots)
	head    int          // next item to yield
	taken   int          // items taken from the input
	ended   bool         // the input has no more
	stopped bool         // the consumer wants no more
	panicky any          // what the input panicked with
	over    bool         // the call is over
}

type slot[A, R any] struct {
	arg     A
	result  R
	failure *TaskError
	done    bool
}

func newStream[A, R any](t *Task[A, R], p *Pool, o callOptions, window int) *stream[A, R] {
	s := &stream[A, R]{task: t, pool: p, slots: make([]slot[A, R], window)}
	s.changed = sync.NewCond(&s.mu)
	s.call = newCall(t.entry, nil, s, o)
	s.call.state.window = window
	return s
}

// consume yields until the end, an error, or the consumer's break.
func (s *stream[A, R]) consume(ctx context.Context, in iter.Seq[A], yield func(R, error) bool) {
	var helpers sync.WaitGroup
	helpers.Go(func() { s.feed(in) })
	helpers.Go(func() {
		<-s.call.over
		s.set(func() { s.over = true })
	})
	unwatch := context.AfterFunc(ctx, func() { s.cancel(context.Cause(ctx)) })
	finished := false
	defer func() { // also when the consumer breaks or panics
		unwatch()
		s.set(func() { s.stopped = true })
		if !finished {
			s.cancel(context.Canceled)
		}
		helpers.Wait()
		if s.panicky != nil {
			panic(s.panicky)
		}
	}()
	for {
		result, failure, ok := s.next()
		if !ok {
			break
		}
		if failure != nil {
			if !yield(result, failure) {
				return
			}
		} else if !yield(result, nil) {
			return
		}
	}
	<-s.call.over
	finished = true
	if s.call.cause != nil && s.call.cause != errPanicked {
		var zero R
		yield(zero, s.call.cause)
	}
}

func (s *stream[A, R]) cancel(cause error) {
	s.pool.inbox.put(event{kind: evCancel, call: s.call, err: cause})
}

func (s *stream[A, R]) set(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	s.changed.Broadcast()
}

var errPanicked = errors.New("the input panicked") // nobody sees it: the panic goes on instead

// feed takes items from the input while there is room for them.
func (s *stream[A, R]) feed(in iter.Seq[A]) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p == nil {
			p = "mapreduce: the input of Imap called runtime.Goexit"
		}
		s.set(func() { s.panicky = p })
		s.cancel(errPanicked)
	}()
	for arg := range in {
		s.mu.Lock()
		s.slots[s.taken%len(s.slots)] = slot[A, R]{arg: arg}
		s.taken++
		s.call.have.Store(int64(s.taken))
		s.pool.flow(s.call)
		for s.taken-s.head == len(s.slots) && !s.stopped && !s.over {
			s.changed.Wait() // for room, before in takes the trouble of the next item
		}
		stop := s.stopped || s.over
		s.mu.Unlock()
		if stop {
			returned = true
			return
		}
	}
	returned = true
	s.set(func() { s.ended = true })
	s.call.ended.Store(true)
	s.pool.flow(s.call)
}

// next waits for the result at the head. ok is false when none will come.
func (s *stream[A, R]) next() (result R, failure *TaskError, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if at := &s.slots[s.head%len(s.slots)]; s.head < s.taken && at.done {
			result, failure = at.result, at.failure
			*at = slot[A, R]{}
			s.head++
			s.moved()
			return result, failure, true
		}
		if s.over || s.ended && s.head == s.taken {
			return result, nil, false
		}
		s.changed.Wait()
	}
}

// moved tells the feeder and the pool that there is room again.
func (s *stream[A, R]) moved() {
	if s.taken-s.head == len(s.slots)-1 {
		s.changed.Broadcast()
	}
	s.call.consumed.Store(int64(s.head))
	s.pool.flow(s.call)
}

func (s *stream[A, R]) encode(out *transport.Encoder, span span) error {
	for i := span.first; i < span.end; i++ {
		// An item between taken and answered stays as it is: no lock.
		if err := s.task.arg.Encode(out, &s.slots[i%len(s.slots)].arg); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

func (s *stream[A, R]) place(in *transport.Decoder, span span) error {
	for i := span.first; i < span.end; i++ {
		at := &s.slots[i%len(s.slots)]
		failure, err := s.task.takeResult(in, &at.result)
		if err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		if failure != nil {
			failure.Index, failure.Input = i, at.arg
			at.failure = failure
		}
	}
	s.mu.Lock()
	for i := span.first; i < span.end; i++ {
		s.slots[i%len(s.slots)].done = true
	}
	wake := span.first <= s.head && s.head < span.end
	s.mu.Unlock()
	if wake {
		s.changed.Broadcast()
	}
	return nil
}
