package transport

import (
	"context"
	"encoding/binary"
)

// put appends a message; it waits while there is no room. It holds the lock while it waits, so that
// smaller messages do not overtake it.
func (r *ring) put(ctx context.Context, body []byte) error {
	if err := r.lock(ctx, r.putting); err != nil {
		return err
	}
	err := r.append(body)
	for err == errWait {
		err = r.p.Await(ctx, r.o, r.o.Hot(hotNotFull), func() bool {
			tail := position(r.tail.Load())
			return r.fits(tail, position(r.head.Load()), messageUnits(len(body))) || tail&closedBit != 0 || !r.o.Valid()
		}, func() {})
		if err == nil {
			err = r.append(body)
		}
	}
	r.putting.Unlock()
	if err == nil {
		r.o.Hot(hotNotEmpty).WakeWaiters()
	}
	return err
}

func (r *ring) tryPut(body []byte) error {
	ok, err := r.tryLock(r.putting)
	if err != nil {
		return err
	}
	if !ok {
		if position(r.tail.Load())&closedBit != 0 {
			return r.closedError(ErrClosed)
		}
		return errWait
	}
	err = r.append(body)
	r.putting.Unlock()
	if err == nil {
		r.o.Hot(hotNotEmpty).WakeWaiters()
	}
	return err
}

// append appends a message if there is room. The caller must hold the lock of this end.
func (r *ring) append(body []byte) error {
	if !r.valid() {
		return errFree
	}
	tail, units := position(r.tail.Load()), messageUnits(len(body))
	if tail&closedBit != 0 {
		return r.closedError(ErrClosed)
	}
	r.p.Release(&r.o)
	if !r.fits(tail, position(r.seenHead.Load()), units) {
		head := r.head.Load()
		r.seenHead.Store(head)
		if !r.fits(tail, position(head), units) {
			return errWait
		}
	}
	at := r.at(tail)
	if err := r.reserve(at + lengthSize + len(body)); err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(r.mem[at:], uint64(len(body)))
	at = (at + lengthSize) & (len(r.mem) - 1)
	copy(r.mem, body[copy(r.mem[at:], body):])
	if !r.tail.CompareAndSwap(uint64(tail), uint64(tail.after(units))) {
		return r.closedError(ErrClosed) // only close changes the word meanwhile
	}
	return nil
}

// reserve makes sure that the bytes before end, or all bytes if end lies beyond, have memory. Most
// queues need little of theirs.
func (r *ring) reserve(end int) error {
	has, end := int(r.reserved.Load()), min(end, len(r.mem))
	if end <= has {
		return nil
	}
	end = min(max(end, 2*has, 64<<10), len(r.mem))
	if err := r.segment.Reserve(has, end-has); err != nil {
		return err
	}
	r.reserved.Store(uint64(end))
	return nil
}
