package transport

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/internal/shm"
	"mrrun/shared"
)

var (
	// ErrClosed is wrapped by the error of a Put into a [Queue] after [Queue.Close], and by those
	// of a [PipeEnd] after [PipeEnd.Close].
	ErrClosed = errors.New("it was closed")

	// ErrTaskDone is wrapped by the error of [Queue.TaskDone] if there were more calls than
	// messages taken.
	ErrTaskDone = errors.New("TaskDone was called for more messages than were taken")
)

// A Queue holds messages of one type, first in, first out. Any number of processes and goroutines
// may put messages in and take them out. [NewQueue] makes a Queue; it is used by pointer. All
// methods are safe for concurrent use. It does what Python's Queue, SimpleQueue and JoinableQueue
// do.
//
// Put encodes the value, so that it may be changed afterwards, and the message is in the queue when
// Put returns: nothing needs to be flushed or drained before a process ends. A process that is
// killed at any point leaves the queue intact: a message that it was about to put is either
// complete or not there, and a message that it had taken is lost with it, at most one for each Get
// under way.
//
// A queue can be sent to other processes of the tree like any value; the message says where the
// queue is. As with [shared.Array], a task that received a queue need not free it.
type Queue[T any] struct {
	r     *ring
	codec *Codec[T]
	spare *sync.Pool // of *scratch[T]
}

var _ shared.Queuer[int] = (*Queue[int])(nil)

// A scratch is the memory that one Put or Get needs. As it includes the value, nothing is
// allocated.
type scratch[T any] struct {
	enc   *Encoder
	dec   *Decoder
	buf   []byte
	value T
}

func newScratch[T any]() any { return &scratch[T]{enc: NewEncoder(nil), dec: NewDecoder(nil)} }

// A QueueOption changes what [NewQueue] makes.
type QueueOption func(*queueOptions)

type queueOptions struct{ bytes int }

const queueBytes = 8 << 20

// QueueBytes sets how many bytes there are for messages, up to 16 GiB, instead of 8 MiB; n is
// rounded up to a power of two. A message takes its size and 8 bytes more, rounded up to a multiple
// of 8. Only bytes that were touched use memory.
func QueueBytes(n int) QueueOption { return func(o *queueOptions) { o.bytes = n } }

// NewQueue makes a queue of up to capacity messages; 0 means as many as fit, see [QueueBytes]. Both
// limits apply. The error is a [TypeError] if T cannot travel.
func NewQueue[T any](capacity int, opts ...QueueOption) (*Queue[T], error) {
	o := queueOptions{bytes: queueBytes}
	for _, opt := range opts {
		opt(&o)
	}
	codec, err := NewCodec[T]()
	if err != nil {
		return nil, err
	}
	p, err := shm.Self()
	if err != nil {
		return nil, err
	}
	r, err := newRing(p, capacity, o.bytes, reflect.TypeFor[T]().String(), typeHash[T]())
	if err != nil {
		return nil, fmt.Errorf("make a %s: %w", queueName[T](), err)
	}
	return newQueue(r, codec), nil
}

func newQueue[T any](r *ring, codec *Codec[T]) *Queue[T] {
	return &Queue[T]{r, codec, &sync.Pool{New: newScratch[T]}}
}

func queueName[T any]() string { return "Queue[" + reflect.TypeFor[T]().String() + "]" }

// typeHash tells types apart, even types with the same name in different packages.
func typeHash[T any]() uint64 {
	t := reflect.TypeFor[T]()
	h := fnv.New64a()
	fmt.Fprintf(h, "%s.%s %d", t.PkgPath(), t, t.Size())
	return h.Sum64()
}

func (q *Queue[T]) check() {
	if q == nil || q.r == nil {
		panic("transport: use of the zero Queue: make one with NewQueue, or get one from another process")
	}
}

// wrap adds to an error what was being done.
func (q *Queue[T]) wrap(doing string, err error) error {
	return fmt.Errorf("%s a %s: %w", doing, queueName[T](), err)
}

// Put puts v in. It blocks while there is no room, or until ctx ends; then the error wraps the
// cause. If there is room, Put succeeds even if ctx has ended before. After [Queue.Close] the error
// wraps [ErrClosed]; a message larger than the whole queue is a [SizeError]. After any error v is
// not in the queue.
//
// Other Puts wait behind one that waits for room, even if its process is suspended, so that small
// messages do not overtake a large one for ever.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	_, err := q.put(ctx, v, true)
	return err
}

// TryPut puts v in if there is room and no Put is waiting for room, and reports whether it did. It
// does not block.
func (q *Queue[T]) TryPut(v T) (bool, error) { return q.put(context.Background(), v, false) }

func (q *Queue[T]) put(ctx context.Context, v T, wait bool) (ok bool, err error) {
	q.check()
	s := q.spare.Get().(*scratch[T])
	defer q.keep(s)
	s.value = v
	if err = q.codec.Encode(s.enc, &s.value); err == nil {
		err = q.fits(s.enc.Len())
	}
	switch {
	case err != nil:
	case !wait:
		err = q.r.tryPut(s.enc.Bytes())
	default:
		err = q.r.put(ctx, s.enc.Bytes())
	}
	if err == errWait {
		return false, nil
	}
	if err != nil {
		return false, q.wrap("put into", err)
	}
	return true, nil
}

// fits returns an error if a message of n bytes is larger than the queue.
func (q *Queue[T]) fits(n int) error {
	if limit := min(len(q.r.mem)-lengthSize, MaxBody); n > limit {
		return fmt.Errorf("%w: make the queue larger, see QueueBytes", &SizeError{Size: uint64(n), Limit: uint64(limit)})
	}
	return nil
}

func (q *Queue[T]) keep(s *scratch[T]) {
	var none T
	s.value = none
	s.enc.Truncate(0)
	s.enc.Trim()
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	q.spare.Put(s)
}

// Get takes the first message. It blocks while there is none, or until ctx ends; then the error
// wraps the cause. If there is a message, Get succeeds even if ctx has ended before. When the queue
// was closed and is empty, Get returns [io.EOF] itself. A message that cannot be decoded is lost;
// the queue stays usable.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	v, _, err := q.get(ctx, true)
	return v, err
}

// TryGet takes the first message, if there is one and nothing else is taking it at the same moment,
// and reports whether it did. It does not block. When the queue was closed and is empty, it returns
// [io.EOF] itself.
func (q *Queue[T]) TryGet() (v T, ok bool, err error) { return q.get(context.Background(), false) }

func (q *Queue[T]) get(ctx context.Context, wait bool) (v T, ok bool, err error) {
	q.check()
	s := q.spare.Get().(*scratch[T])
	defer q.keep(s)
	if wait {
		s.buf, err = q.r.get(ctx, s.buf)
	} else {
		s.buf, err = q.r.tryGet(s.buf)
	}
	switch err {
	case nil:
	case errWait:
		return v, false, nil
	case io.EOF:
		return v, false, err
	default:
		return v, false, q.wrap("get from", err)
	}
	s.dec.Reset(s.buf)
	err = q.codec.Decode(s.dec, &s.value)
	if err == nil && len(s.dec.Rest()) > 0 {
		err = fmt.Errorf("%w: %d bytes after the value", ErrFormat, len(s.dec.Rest()))
	}
	if err != nil {
		return v, false, q.wrap("get from", err)
	}
	return s.value, true, nil
}

// All takes messages until the queue was closed and is empty. If [Queue.Get] returns another error,
// All yields it last.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(ctx)
			if err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Len returns how many messages are in the queue; the number may change at any time.
func (q *Queue[T]) Len() int {
	q.check()
	return q.r.len()
}

// Cap returns the largest number of messages in the queue; 0 means as many as fit.
func (q *Queue[T]) Cap() int {
	q.check()
	return int(q.r.limit.Load())
}

// TaskDone says that a message that was taken is dealt with, for [Queue.Join]. The error wraps
// [ErrTaskDone] if there were more calls than messages taken.
func (q *Queue[T]) TaskDone() error {
	q.check()
	if !q.r.done() {
		return q.wrap("finish a task of", ErrTaskDone)
	}
	return nil
}

// Join blocks until [Queue.TaskDone] was called for every message that was put in, or ctx ends;
// then the error wraps the cause. If a consumer is killed after it took a message, nothing calls
// TaskDone for that message, and Join does not return by itself: a process that learns of such a
// death must call TaskDone in its place.
func (q *Queue[T]) Join(ctx context.Context) error {
	q.check()
	err := q.r.join(ctx)
	if err == nil && !q.r.valid() {
		err = errFree
	}
	if err != nil {
		return q.wrap("join", err)
	}
	return nil
}

// Close closes the queue for Puts in all processes; those that wait for room return an error. What
// is in the queue can still be taken. Any process may call Close, more than once.
func (q *Queue[T]) Close() error {
	q.check()
	if q.r.valid() {
		q.r.close()
	}
	return nil
}

// Free closes the queue and frees its memory, with the messages in it, if this process made it;
// elsewhere it only ends the use of this *Queue. It waits for a Put or Get that is under way. A Get
// that waits for a message returns an error that wraps [shared.ErrGone], as do all later calls.
func (q *Queue[T]) Free() error {
	q.check()
	return q.r.free()
}

// EncodeMsgpack sends the queue to another process of the tree: where it is, not what is in it.
func (q *Queue[T]) EncodeMsgpack(e *msgpack.Encoder) error {
	q.check()
	trip, ok := q.r.p.Send(q.r.o, e.Writer())
	if !ok {
		return q.wrap("send", errFree)
	}
	if err := e.EncodeArrayLen(6); err != nil {
		return err
	}
	if err := trip.Write(e.EncodeUint); err != nil {
		return err
	}
	return e.EncodeMulti(q.r.putting, q.r.getting)
}

// DecodeMsgpack receives a queue. The error wraps [shared.ErrGone] if the queue was freed or
// belongs to another tree. A queue of another type is an error.
func (q *Queue[T]) DecodeMsgpack(d *msgpack.Decoder) error {
	if err := q.decode(d); err != nil {
		return q.wrap("receive", err)
	}
	return nil
}

func (q *Queue[T]) decode(d *msgpack.Decoder) error {
	n, err := d.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != 6 {
		return fmt.Errorf("an array of %d is not a handle", n)
	}
	var trip shm.Trip
	if err := trip.Read(d.DecodeUint64); err != nil {
		return err
	}
	var putting, getting shared.Lock
	if err := putting.DecodeMsgpack(d); err != nil {
		return err
	}
	if err := getting.DecodeMsgpack(d); err != nil {
		return err
	}
	p, err := shm.Self()
	if err != nil {
		return err
	}
	o, arrived, err := p.Receive(trip, kindQueue)
	if err != nil {
		return err
	}
	if err := q.attach(p, o, &putting, &getting); err != nil {
		return err
	}
	arrived()
	return nil
}

func (q *Queue[T]) attach(p *shm.Process, o shm.Object, putting, getting *shared.Lock) error {
	words := (*ringWords)(o.Extra())
	if is := o.Cold(shm.ColdOwn).Load(); o.Valid() && is != typeHash[T]() {
		return fmt.Errorf("it is a Queue[%s]: use the same type on both sides", words.element.String())
	}
	codec, err := NewCodec[T]()
	if err != nil {
		return err
	}
	r, err := attachRing(p, o, putting, getting)
	if err != nil {
		return err
	}
	*q = *newQueue(r, codec)
	return nil
}
