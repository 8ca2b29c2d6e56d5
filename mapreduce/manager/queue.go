package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/shared"
	"mrrun/transport"
)

// A Queue hands values from its producers to its consumers, in the order in which they were put, each to one. It is made by
// [NewQueue] and used by pointer; all methods are safe for concurrent use.
//
// A value whose consumer vanishes before the manager has sent it goes to the next one. One that was sent is in the
// consumer's hand: Join waits for its TaskDone.
type Queue[T any] struct {
	proxy
	values coder[T]
}

var _ shared.Queuer[int] = (*Queue[int])(nil)

func queueSignature[T any]() string { return signatureOf("queue", reflect.TypeFor[T]()) }

// maxQueue is the largest size of a queue.
const maxQueue = math.MaxInt32

// NewQueue makes a queue of at most size values, 1 to 2,147,483,647: more have to wait.
func NewQueue[T any](ctx context.Context, c Conn, size int, opts ...ObjectOption) (*Queue[T], error) {
	if size < 1 || size > maxQueue {
		return nil, fmt.Errorf("manager: NewQueue: %d values: it takes 1 to %d", size, maxQueue)
	}
	q := &Queue[T]{}
	var err error
	if q.values, err = coderOf[T](); err != nil {
		return nil, err
	}
	return q, q.create(ctx, c, "NewQueue", "queue", queueSignature[T](), opts, uintArg(uint64(size)))
}

// EncodeMsgpack sends the proxy.
func (q *Queue[T]) EncodeMsgpack(e *msgpack.Encoder) error { return q.encode(e) }

// DecodeMsgpack receives a proxy. A queue of another type is an error.
func (q *Queue[T]) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if q.values, err = coderOf[T](); err != nil {
		return err
	}
	return q.decode(d, queueSignature[T]())
}

func (q *Queue[T]) encodes(v *T) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error { return q.values.Encode(e, v) }
}

// Put puts a value; it blocks while the queue is full, until ctx ends: then it returns the cause. When it returns nil the
// value is on the manager. After Close the error wraps [transport.ErrClosed].
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	return q.call(ctx, "Queue.Put", q.encodes(&v), nil)
}

// TryPut puts a value if there is room, and reports whether it did.
func (q *Queue[T]) TryPut(ctx context.Context, v T) (ok bool, err error) {
	err = q.call(ctx, "Queue.TryPut", q.encodes(&v), flag(&ok))
	return ok, err
}

// Get takes the oldest value; it blocks while there is none, until ctx ends: then it returns the cause. When the queue is
// closed and empty the error wraps [io.EOF].
func (q *Queue[T]) Get(ctx context.Context) (v T, err error) {
	err = q.call(ctx, "Queue.Get", nil, func(d *transport.Decoder) error { return q.values.Decode(d, &v) })
	return v, err
}

// TryGet takes the oldest value if there is one, and reports whether it did. When the queue is closed and empty the error
// wraps [io.EOF].
func (q *Queue[T]) TryGet(ctx context.Context) (v T, ok bool, err error) {
	err = q.call(ctx, "Queue.TryGet", nil, func(d *transport.Decoder) error {
		if ok = len(d.Rest()) > 0; !ok {
			return nil
		}
		return q.values.Decode(d, &v)
	})
	return v, ok, err
}

// All takes values until the queue is closed and empty. Any other error is the last that it yields.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(ctx)
			if isEOF(err) || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// TaskDone says that a value that was got has been dealt with. When it is called more often than values were put, the error
// wraps [transport.ErrTaskDone].
func (q *Queue[T]) TaskDone(ctx context.Context) error {
	return q.call(ctx, "Queue.TaskDone", nil, nil)
}

// Join waits until TaskDone was called for each value that was put, or ctx ends: then it returns the cause.
func (q *Queue[T]) Join(ctx context.Context) error { return q.call(ctx, "Queue.Join", nil, nil) }

// Len returns the number of values in the queue.
func (q *Queue[T]) Len(ctx context.Context) (n int, err error) {
	err = q.call(ctx, "Queue.Len", nil, count(&n))
	return n, err
}

// Cap returns how many values there is room for.
func (q *Queue[T]) Cap(ctx context.Context) (n int, err error) {
	err = q.call(ctx, "Queue.Cap", nil, count(&n))
	return n, err
}

// Close ends the queue for those who put values in, in all processes: those that wait get an error that wraps
// [transport.ErrClosed]. What is in it can still be got. It may be called again, and by any client. It does not wait long for a
// manager that gives no sign of life.
func (q *Queue[T]) Close() error { return q.callBriefly("Queue.Close", nil) }

// Free says that this proxy is used no more, as Close of other proxies does. The manager forgets the queue when nobody refers to
// it. It may be called again.
func (q *Queue[T]) Free() error { return q.proxy.Close() }

func isEOF(err error) bool { return err != nil && errors.Is(err, io.EOF) }
