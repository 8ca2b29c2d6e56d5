package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"mrrun/transport"
)

// minWindow and maxWindow bound the number of items that an [Task.Imap] may have taken and not yielded.
const (
	minWindow = 1 << 10
	maxWindow = 1 << 20
)

// Imap computes the task for each item of in, which may be infinite, and yields the results in input order as they come.
//
// An item that fails yields its [TaskError], and the iteration goes on; any other error, such as the cause of ctx or an
// argument that cannot be encoded, is yielded once and ends it. At most a window of items, the larger of 1,024 and four
// chunks for each worker (of 262,144 items at most), has been taken from in and not been yielded yet: a slow consumer slows the input. in runs on a
// goroutine of its own; its panic is raised again at the consumer. After a break nothing of in runs any more: the break
// waits for the step of in that is under way.
//
// The iterator may be used once at a time.
func (t *Task[A, R]) Imap(ctx context.Context, p *Pool, in iter.Seq[A], opts ...CallOption) iter.Seq2[R, error] {
	return t.ImapSeq2(ctx, p, neverFailing(in), opts...)
}

// ImapSeq2 is [Task.Imap] for an input that can fail. Its first error ends the input; it is yielded after the results of the
// items before it.
func (t *Task[A, R]) ImapSeq2(ctx context.Context, p *Pool, in iter.Seq2[A, error], opts ...CallOption) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		t.stream(ctx, p, in, false, opts, func(item Item[R], err error) bool { return yield(item.Value, err) })
	}
}

// An Item is a result with the index of its argument in the input.
type Item[R any] struct {
	Index int
	Value R
}

// ImapUnordered is [Task.Imap], but yields each result as soon as it is there. Its window reaches from the first item that
// has not been yielded.
func (t *Task[A, R]) ImapUnordered(ctx context.Context, p *Pool, in iter.Seq[A], opts ...CallOption) iter.Seq2[Item[R], error] {
	return func(yield func(Item[R], error) bool) { t.stream(ctx, p, neverFailing(in), true, opts, yield) }
}

func neverFailing[A any](in iter.Seq[A]) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		for a := range in {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (t *Task[A, R]) stream(ctx context.Context, p *Pool, in iter.Seq2[A, error], unordered bool, opts []CallOption,
	yield func(Item[R], error) bool) {
	o, err := p.callOptions(t.entryOf(), opts)
	if err == nil {
		err = p.enter(ctx)
	}
	if err != nil {
		yield(Item[R]{}, err)
		return
	}
	defer p.active.Done()
	o.chunksize = min(o.chunksize, maxWindow/4)
	s := newStream(t, p, o, min(max(minWindow, 4*o.chunksize*p.options.procs), maxWindow))
	s.unordered = unordered
	if err := p.begin(s.call); err != nil {
		yield(Item[R]{}, err)
		return
	}
	s.consume(ctx, in, yield)
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
	failed  error        // what the input ended with

	unordered bool
	finished  []int // items that are done and not yielded, in the order of their ends; of an unordered stream
	over      bool  // the call is over
}

type slot[A, R any] struct {
	arg     A
	cargo   *transport.Cargo // of arg, until it is answered; nil: none
	result  R
	failure *TaskError
	done    bool
	yielded bool // of an unordered stream, before head has got here
}

func (s *slot[A, R]) release() {
	s.cargo.Release()
	s.cargo = nil
}

func newStream[A, R any](t *Task[A, R], p *Pool, o callOptions, window int) *stream[A, R] {
	s := &stream[A, R]{task: t, pool: p, slots: make([]slot[A, R], window)}
	s.changed = sync.NewCond(&s.mu)
	s.call = newStreamCall(t.entry, s, window, o)
	return s
}

// consume yields until the end, an error, or the consumer's break.
func (s *stream[A, R]) consume(ctx context.Context, in iter.Seq2[A, error], yield func(Item[R], error) bool) {
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
		for i := range s.slots { // of what nobody has answered
			s.slots[i].release()
		}
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

func (s *stream[A, R]) cancel(cause error) {
	s.pool.cancelCall(s.call, cause)
}

func (s *stream[A, R]) set(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	s.changed.Broadcast()
}

var errPanicked = errors.New("the input panicked") // nobody sees it: the panic goes on instead

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
		s.set(func() { s.panicky = p })
		s.cancel(errPanicked)
	}()
	for arg, err := range in {
		if err != nil {
			s.set(func() { s.failed = err })
			break
		}
		item := slot[A, R]{arg: arg, cargo: s.task.arg.Keeping(&arg)}
		s.mu.Lock()
		s.slots[s.taken%len(s.slots)] = item
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

// next waits for the next result. ok is false when none will come.
func (s *stream[A, R]) next() (result Item[R], failure *TaskError, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if i, ok := s.done(); ok {
			at := &s.slots[i%len(s.slots)]
			result, failure = Item[R]{i, at.result}, at.failure
			*at = slot[A, R]{yielded: true}
			for s.head < s.taken && s.slots[s.head%len(s.slots)].yielded {
				s.slots[s.head%len(s.slots)].yielded = false
				s.head++
				s.moved()
			}
			return result, failure, true
		}
		if s.over || s.ended && s.head == s.taken {
			return result, nil, false
		}
		s.changed.Wait()
	}
}

// done returns an item to yield.
func (s *stream[A, R]) done() (i int, ok bool) {
	if !s.unordered {
		return s.head, s.head < s.taken && s.slots[s.head%len(s.slots)].done
	}
	if len(s.finished) == 0 {
		return 0, false
	}
	i = s.finished[0]
	s.finished = s.finished[1:]
	return i, true
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

func (s *stream[A, R]) place(in *transport.Decoder, span span) (failed int, err error) {
	for i := span.first; i < span.end; i++ {
		at := &s.slots[i%len(s.slots)]
		failure, err := s.task.takeResult(in, &at.result)
		if err != nil {
			return failed, fmt.Errorf("item %d: %w", i, err)
		}
		if failure != nil {
			failed++
			failure.Index, failure.Input = i, at.arg
			at.failure = failure
		}
	}
	s.finish(span)
	return failed, nil
}

func (s *stream[A, R]) lose(failure *TaskError) error {
	at := &s.slots[failure.Index%len(s.slots)]
	failure.Input = at.arg
	at.failure = failure
	s.finish(span{failure.Index, failure.Index + 1})
	return nil
}

// finish marks the items of the span, whose slots are complete, as done.
func (s *stream[A, R]) finish(span span) {
	s.mu.Lock()
	for i := span.first; i < span.end; i++ {
		s.slots[i%len(s.slots)].done = true
		s.slots[i%len(s.slots)].release()
		if s.unordered {
			s.finished = append(s.finished, i)
		}
	}
	wake := s.unordered || span.first <= s.head && s.head < span.end
	s.mu.Unlock()
	if wake {
		s.changed.Broadcast()
	}
}
