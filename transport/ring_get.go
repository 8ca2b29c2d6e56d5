package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// get takes the first message, into buf if it fits; it waits while there is none. After close it
// returns [io.EOF] when there is none.
func (r *ring) get(ctx context.Context, buf []byte) ([]byte, error) {
	for {
		if err := r.lock(ctx, r.getting); err != nil {
			return buf, err
		}
		buf, err := r.take(buf)
		r.getting.Unlock()
		if err == nil {
			r.o.Hot(hotNotFull).WakeWaiters()
		}
		if err != errWait {
			return buf, err
		}
		err = r.p.Await(ctx, r.o, r.o.Hot(hotNotEmpty), func() bool {
			tail := position(r.tail.Load())
			return tail.units() != position(r.head.Load()).units() || tail&closedBit != 0 || !r.o.Valid()
		}, func() {})
		if err != nil {
			return buf, err
		}
	}
}

func (r *ring) tryGet(buf []byte) ([]byte, error) {
	ok, err := r.tryLock(r.getting)
	if err != nil {
		return buf, err
	}
	if !ok {
		return buf, errWait
	}
	buf, err = r.take(buf)
	r.getting.Unlock()
	if err == nil {
		r.o.Hot(hotNotFull).WakeWaiters()
	}
	return buf, err
}

// take takes the first message if there is one. The caller must hold the lock of this end.
func (r *ring) take(buf []byte) ([]byte, error) {
	head, tail := position(r.head.Load()), position(r.seenTail.Load())
	if tail.units() == head.units() {
		tail = position(r.tail.Load())
		r.seenTail.Store(uint64(tail))
		switch {
		case tail.units() != head.units():
		case tail&closedBit != 0:
			return buf, r.closedError(io.EOF)
		default:
			return buf, errWait
		}
	}
	at := r.at(head)
	length := binary.LittleEndian.Uint64(r.mem[at:])
	if length > uint64(len(r.mem)) || messageUnits(int(length)) > tail.units()-head.units() {
		return buf, fmt.Errorf("%w: a message of %d bytes in a smaller queue", ErrFormat, length)
	}
	n := int(length)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	at = (at + lengthSize) & (len(r.mem) - 1)
	copy(buf[copy(buf, r.mem[at:]):], r.mem)
	r.head.Store(uint64(head.after(messageUnits(n)) &^ closedBit))
	r.p.Acquire(&r.o)
	return buf, nil
}
