package stream

import (
	"errors"

	"mrrun/internal/shm"
)

// laneWords are the state of a lane that both sides see, on separate cache lines where different
// processes write.
type laneWords struct {
	tail     shm.Word64 // bytes ever put in; the writer's
	reserved shm.Word64 // bytes that have memory; the writer's
	_        [112]byte
	head     shm.Word64 // bytes ever taken out; the reader's
	_        [120]byte

	wantsData shm.Word // not 0: the reader sleeps until there is data
	_         [124]byte
	wantsRoom shm.Word // not 0: the writer sleeps until there is room
	_         [124]byte
}

// A lane is one side of a ring of bytes. Its size in bytes is a power of two.
type lane struct {
	*laneWords
	region *shm.Region
	at     int // offset in the region
	mem    []byte
	seen   uint64 // the other side's count, when last read: it only ever grows
}

// piece is how many bytes are moved before the other side learns of them, so that both sides copy a
// large message at the same time.
const piece = 64 << 10

// ErrBroken is returned when the memory holds values that no process writes there.
var ErrBroken = errors.New("the shared memory of a stream was overwritten")

// room returns how many bytes can be put in. It reads the other side's count only if there seem to
// be fewer than wanted.
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

// put puts in as many bytes of p as there is room for, and returns how many.
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
			break // so that the reader can begin
		}
	}
	return n, nil
}

// reserve makes sure that the bytes before end, or all bytes if end lies beyond, have memory. Most
// lanes need little of theirs.
func (l *lane) reserve(end int) error {
	has, end := int(l.reserved.Load()), min(end, len(l.mem))
	if end <= has || l.region.File() == nil { // all was reserved before the file was closed
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
	if n == 0 || n > size { // or another process read last
		l.seen = l.tail.Load()
		n = l.seen - head
	}
	if n > size {
		return 0, ErrBroken
	}
	return int(n), nil
}

// take takes out as many bytes as are there and fit p, at most a piece, and returns how many.
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

// hasData reports whether there is something to take out, or something wrong. Any goroutine may
// call it.
func (l *lane) hasData() bool { return l.tail.Load() != l.head.Load() }

// hasRoom reports whether a sleeping writer should be woken: a few bytes are not worth it.
func (l *lane) hasRoom() bool { return l.tail.Load()-l.head.Load() <= uint64(len(l.mem)/4*3) }
