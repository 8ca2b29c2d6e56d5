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

// A Queue passes values from its producers to its consumers, in the order in which they were put,
// each to one consumer. It is made by [NewQueue] and used by pointer; all methods are safe for
// concurrent use.
//
// If a consumer vanishes before the manager has sent it a value, the value goes to the next
// consumer. A value that was sent belongs to its consumer: Join waits for its TaskDone.
type Queue[T any] struct {
	proxy
	values coder[T]
}

var _ shared.Queuer[int] = (*Queue[int])(nil)

func queueSignature[T any]() string { return signatureOf("queue", reflect.TypeFor[T]()) }

// maxQueue is the largest size of a queue.
const maxQueue = math.MaxInt32

// NewQueue makes a queue of at most size values, 1 to 2,147,483,647. While it is full, producers
// wait.
func NewQueue[T any](ctx context.Context, c Conn, size int, opts ...ObjectOption) (*Queue[T], error) {
	if size < 1 || size > maxQueue {
		return nil, fmt.Errorf("manager: NewQueue: %d values: must be from 1 to %d", size, maxQueue)
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

// DecodeMsgpack receives a proxy. It returns an error if the queue has another type of values.
func (q *Queue[T]) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	if q.values, err = coderOf[T](); err != nil {
		return err
	}
	return q.decode(d, queueSignature[T]())
}

func (q *Queue[T]) encodes(v *T) func(*transport.Encoder) error {
	return func(e *transport.Encoder) error { return q.values.Encode(e, v) }
}

// Put puts a value into the queue; it blocks while the queue is full. If ctx ends first, Put
// returns the cause. When Put returns nil, the manager has the value. After Close the error wraps
// [transport.ErrClosed].
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	return q.call(ctx, "Queue."+opPut, q.encodes(&v), nil)
}

// TryPut puts a value into the queue if there is room, and reports whether it did. After Close the
// error wraps [transport.ErrClosed].
func (q *Queue[T]) TryPut(ctx context.Context, v T) (ok bool, err error) {
	err = q.call(ctx, "Queue."+opTryPut, q.encodes(&v), flag(&ok))
	return ok, err
}

// Get removes the oldest value and returns it; it blocks while there is none. If ctx ends first,
// Get returns the cause. When the queue is closed and empty, the error wraps [io.EOF].
func (q *Queue[T]) Get(ctx context.Context) (v T, err error) {
	err = q.call(ctx, "Queue."+opGet, nil, func(d *transport.Decoder) error { return q.values.Decode(d, &v) })
	return v, err
}

// TryGet removes and returns the oldest value if there is one, and reports whether it did. When the
// queue is closed and empty, the error wraps [io.EOF].
func (q *Queue[T]) TryGet(ctx context.Context) (v T, ok bool, err error) {
	err = q.call(ctx, "Queue."+opTryGet, nil, func(d *transport.Decoder) error {
		if ok = len(d.Rest()) > 0; !ok {
			return nil
		}
		return q.values.Decode(d, &v)
	})
	return v, ok, err
}

// All removes and yields values until the queue is closed and empty. Any other error is yielded
// last.
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

// TaskDone says that the consumer is done with a value that it got. If it is called more often than
// values were put, the error wraps [transport.ErrTaskDone].
func (q *Queue[T]) TaskDone(ctx context.Context) error {
	return q.call(ctx, "Queue."+opTaskDone, nil, nil)
}

// Join waits until TaskDone was called once for each value that was put. If ctx ends first, Join
// returns the cause.
func (q *Queue[T]) Join(ctx context.Context) error { return q.call(ctx, "Queue."+opJoin, nil, nil) }

// Len returns the number of values in the queue.
func (q *Queue[T]) Len(ctx context.Context) (n int, err error) {
	err = q.call(ctx, "Queue."+opLen, nil, count(&n))
	return n, err
}

// Cap returns the largest number of values that the queue holds.
func (q *Queue[T]) Cap(ctx context.Context) (n int, err error) {
	err = q.call(ctx, "Queue."+opCap, nil, count(&n))
	return n, err
}

// Close closes the queue for producers in all processes: those that wait, and later ones, get an
// error that wraps [transport.ErrClosed]. Consumers can still get what is in the queue. Any client
// may call Close, and again. Close does not wait long for a manager that gives no sign of life.
func (q *Queue[T]) Close() error { return q.callBriefly("Queue."+opClose, nil) }

// Free ends the use of this proxy, as Close of other proxies does. The manager deletes the queue
// when nothing refers to it any more. Free may be called again.
func (q *Queue[T]) Free() error { return q.proxy.Close() }

func isEOF(err error) bool { return err != nil && errors.Is(err, io.EOF) }
