package manager

import (
	"context"
	"errors"
	"iter"

	"mrrun/mapreduce"
)

// Imap computes the task on the pool for each item of in, which may be infinite, and yields the
// results in input order as they come. An item that fails yields its [mapreduce.TaskError], and the
// iteration goes on; any other error is yielded once and ends it. At most 1,024 items have been
// taken from in and not been yielded yet; each travels in a message of its own.
//
// As with [mapreduce.Task.Imap], in runs in a goroutine of its own, a panic of in is raised again
// in the consumer, and a break waits for the step of in that is under way.
func (t *RemoteTask[A, R]) Imap(ctx context.Context, p *Pool, in iter.Seq[A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		s := &remoteStream[A, R]{window: make(chan *mapreduce.Future[R], imapWindow)}
		go s.feed(ctx, in, func(arg A) *mapreduce.Future[R] { return t.ApplyAsync(ctx, p, arg) })
		defer func() {
			cancel()
			s.drain()
		}()
		for i := 0; ; i++ {
			result, more, err := s.next(ctx)
			if !more {
				return
			}
			failed, ok := errors.AsType[*mapreduce.TaskError](err)
			if ok {
				failed.Index = i
			}
			if !yield(result, err) || err != nil && !ok {
				return
			}
		}
	}
}

// imapWindow is the number of futures in the window. Besides these, the feeder has one in hand, and
// the consumer another.
const imapWindow = 1022

// A remoteStream is the input of an Imap on its way through a pool.
type remoteStream[A, R any] struct {
	window  chan *mapreduce.Future[R] // closed at the end of the input
	panicky any                       // what the input panicked with; may be read once window is closed
}

// feed starts the computation of the items of the input while the window has room for them.
func (s *remoteStream[A, R]) feed(ctx context.Context, in iter.Seq[A], begin func(A) *mapreduce.Future[R]) {
	defer close(s.window)
	returned := false
	defer func() {
		if s.panicky = recover(); s.panicky == nil && !returned {
			s.panicky = "manager: the input of Imap called runtime.Goexit"
		}
	}()
	for arg := range in {
		if ctx.Err() != nil {
			break
		}
		s.window <- begin(arg)
	}
	returned = true
}

// next waits for the next result. It returns false for more at the end of the input.
func (s *remoteStream[A, R]) next(ctx context.Context) (result R, more bool, err error) {
	select {
	case f, more := <-s.window:
		if !more {
			return result, false, nil
		}
		result, err = f.Get(ctx)
		return result, true, err
	case <-ctx.Done():
		return result, true, context.Cause(ctx)
	}
}

// drain waits until nothing of the stream runs any more, and then raises the panic of the input
// again, if there was one.
func (s *remoteStream[A, R]) drain() {
	for f := range s.window {
		<-f.Done()
	}
	if s.panicky != nil {
		panic(s.panicky)
	}
}
