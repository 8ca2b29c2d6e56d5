package stream

import (
	"errors"

	"mrrun/internal/shm"
)

// laneWords are what both sides of a lane know of it: on lines of their own, as different processes write to them.
type laneWords struct {
	tail     shm.Word64 // how many bytes were ever put in; the writer's
	reserved shm.Word64 // how many have memory; the writer's
	_        [112]byte
	head     shm.Word64 // how many were ever taken out; the reader's
	_        [120]byte

	wantsData shm.Word // not 0: the reader sleeps until there is data
	_         [124]byte
	wantsRoom shm.Word // not 0: the writer sleeps until there is room
	_         [124]byte
}

// A lane is one side of a ring of bytes. Its size is a power of two.
type lane struct {
	*laneWords
	region *shm.Region
	at     int // in the region
	mem    []byte
	seen   uint64 // the other side's word, as it was last seen: it only ever grows
}

// piece is how much is moved before the other side learns of it, so that both copy a large message at the same time.
const piece = 64 << 10

// ErrBroken is returned when the memory holds what no process writes there.
var ErrBroken = errors.New("the shared memory of a stream was overwritten")

// room returns how many bytes can be put in; it looks at the other side's word only if they seem to be fewer than wanted.
func (l *lane) room(tail uint64, wanted int) (int, error) {
	size := uint64(len(l.mem))
	if used := tail - l.seen; used > size || size-used < uint64(wanted) {
		l.seen = l.head.Load()
	}
	used := tail - l.seen
	if used > size {
		return 0, ErrBroken
	}
	return int(size - used), nil
}

// put puts in what there is room for, and returns how much that was.
func (l *lane) put(p []byte) (n int, err error) {
	for len(p) > 0 {
		tail := l.tail.Load()
		part := p[:min(len(p), piece)]
		room, err := l.room(tail, len(part))
		if room == 0 || err != nil {
			return n, err
		}
		part = part[:min(len(part), room)]
		at := int(tail & uint64(len(l.mem)-1))
		if err := l.reserve(at + len(part)); err != nil {
			return n, err
		}
		copy(l.mem, part[copy(l.mem[at:], part):])
		l.tail.Store(tail + uint64(len(part)))
		n, p = n+len(part), p[len(part):]
		if l.wantsData.Load() != 0 {
			break // the reader could begin
		}
	}
	return n, nil
}

// reserve sees to it that the bytes before end have memory, or all of them if that is beyond. Most lanes need little of theirs.
func (l *lane) reserve(end int) error {
	has, end := int(l.reserved.Load()), min(end, len(l.mem))
	if end <= has || l.region.File() == nil { // it was reserved before its file was closed
		return nil
	}
	end = min(max(end, 2*has, 16<<10), len(l.mem))
	if err := l.region.Reserve(int64(l.at+has), int64(end-has)); err != nil {
		return err
	}
	l.reserved.Store(uint64(end))
	return nil
}

// available returns how many bytes can be taken out.
func (l *lane) available(head uint64) (int, error) {
	size := uint64(len(l.mem))
	n := l.seen - head
	if n == 0 || n > size { // or another process looked last
		l.seen = l.tail.Load()
		n = l.seen - head
	}
	if n > size {
		return 0, ErrBroken
	}
	return int(n), nil
}

// take takes out what is there, and returns how much that was.
func (l *lane) take(p []byte) (n int, err error) {
	head := l.head.Load()
	available, err := l.available(head)
	n = min(len(p), available, piece)
	if n == 0 {
		return 0, err
	}
	at := int(head & uint64(len(l.mem)-1))
	k := copy(p[:n], l.mem[at:])
	copy(p[k:n], l.mem)
	l.head.Store(head + uint64(n))
	return n, nil
}

// hasData reports whether there is something to take out, or something wrong. Any goroutine may ask.
func (l *lane) hasData() bool { return l.tail.Load() != l.head.Load() }

// hasRoom reports whether a sleeping writer should be woken: for a few bytes it would not be worth it.
func (l *lane) hasRoom() bool { return l.tail.Load()-l.head.Load() <= uint64(len(l.mem)/4*3) }
