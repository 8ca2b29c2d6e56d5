package manager

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"mrrun/mapreduce"
)

// Imap computes the task on the pool for each item of in, which may be infinite, and yields the
// results in input order as they come. An item that fails yields its [mapreduce.TaskError], and the
// iteration goes on; any other error is yielded once and ends it. At most 1,024 items have been
// taken from in and not been yielded yet; each travels in a message of its own.
//
// As with [mapreduce.Task.Imap], in runs in a goroutine of its own, a panic of in is raised again
// in the consumer, and a break waits for the step of in that is under way, unless ctx ends.
func (t *RemoteTask[A, R]) Imap(ctx context.Context, p *Pool, in iter.Seq[A]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		whole := ctx
		ctx, cancel := context.WithCancel(ctx)
		s := &remoteStream[A, R]{window: make(chan *mapreduce.Future[R], imapWindow)}
		go s.feed(ctx, in, func(arg A) *mapreduce.Future[R] { return t.ApplyAsync(ctx, p, arg) })
		left := true // by the consumer, with a break
		defer func() {
			cancel()
			s.drain(whole, left)
		}()
		for i := 0; ; i++ {
			result, more, err := s.next(ctx)
			if !more {
				left = false
				return
			}
			failed, ok := errors.AsType[*mapreduce.TaskError](err)
			if ok {
				failed.Index = i
			}
			if !yield(result, err) {
				return
			}
			if err != nil && !ok {
				left = false
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

// drain waits until nothing of the stream runs any more. It leaves an input that blocks behind
// after [mapreduce.KillGrace], which begins with the end of ctx, or at once if the consumer has not
// left the stream itself.
func (s *remoteStream[A, R]) drain(ctx context.Context, left bool) {
	over, grace := ctx.Done(), (<-chan time.Time)(nil)
	if !left {
		over, grace = nil, time.After(mapreduce.KillGrace)
	}
	for {
		select {
		case f, more := <-s.window:
			if more {
				<-f.Done()
				continue
			}
			if s.panicky != nil {
				panic(s.panicky)
			}
			return
		case <-over:
			over, grace = nil, time.After(mapreduce.KillGrace)
		case <-grace:
			go s.abandon()
			return
		}
	}
}

// abandon waits for an input that was left behind, and logs its panic, if it panics.
func (s *remoteStream[A, R]) abandon() {
	for f := range s.window {
		<-f.Done()
	}
	if s.panicky != nil {
		slog.Error("manager: an input of Imap that was left behind panicked", "panic", s.panicky)
	}
}
