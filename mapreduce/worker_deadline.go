package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// A deadlineContext has a deadline, but does not end at it by itself: the driver says when it ends,
// and with which cause. To contexts derived from it, it ends as one of [context.WithDeadline] does.
type deadlineContext struct {
	context.Context // ends with the cause
	cancel          context.CancelCauseFunc
	at              time.Time
	follow          func() bool // stops it from ending with Context; false: it has begun to end
	done            chan struct{}
	err             error // set before done is closed
}

// withDeadline returns a context that ends when parent ends or its cancel is called.
func withDeadline(parent context.Context, at time.Time) *deadlineContext {
	d := &deadlineContext{at: at, done: make(chan struct{})}
	d.Context, d.cancel = context.WithCancelCause(parent)
	d.follow = context.AfterFunc(d.Context, func() {
		err := parent.Err()
		if err == nil && (errors.Is(context.Cause(d.Context), context.DeadlineExceeded) || !time.Now().Before(at)) {
			err = context.DeadlineExceeded
		}
		d.close(cmp.Or(err, context.Canceled))
	})
	return d
}

func (d *deadlineContext) close(err error) {
	d.err = err
	close(d.done)
}

// release frees the context when no goroutine waits for its end any more.
func (d *deadlineContext) release() {
	if d.follow() {
		d.close(context.Canceled)
	}
	d.cancel(nil)
}

// Deadline implements [context.Context]. The context may end later than the deadline.
func (d *deadlineContext) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *deadlineContext) Done() <-chan struct{} { return d.done }

// Err implements [context.Context].
func (d *deadlineContext) Err() error {
	select {
	case <-d.done:
		return d.err
	default:
		return nil
	}
}

// An itemDeadline is the context of an item with a timeout. The driver measures the time that
// counts: see [Timeout].
type itemDeadline struct {
	*deadlineContext
	tag     uint32
	offset  int
	timeout time.Duration
	stacks  string // of all goroutines when its time was over; written before the context ends
}

// withTimeout returns a context for an item that starts now. The caller must call cancel when the
// item is done.
func (r *chunkRun) withTimeout(item *itemContext, offset int) (ctx context.Context, cancel func()) {
	timeout := time.Duration(r.call.timeout)
	at := time.Now().Add(timeout)
	if ofCall, ok := item.Deadline(); ok && ofCall.Before(at) {
		at = ofCall
	}
	d := &itemDeadline{withDeadline(item, at), r.tag, offset, timeout, ""}
	r.deadline.Store(d)
	return d, func() {
		r.deadline.Store(nil)
		d.release()
	}
}
