package proc

import (
	"sync/atomic"
	"time"
)

// seen is the part of a [Note] for those who watch a worker. Nothing depends on it.
type seen struct {
	began  atomic.Int64  // when the chunk that it runs began, in nanoseconds since 1970
	coding atomic.Int64  // nanoseconds spent on decoding arguments and encoding results
	item   atomic.Uint64 // the item whose task has reported how far it is; 0: none
	done   atomic.Int64
	total  atomic.Int64
}

// Began notes when the chunk began that the worker runs.
func (n *Note) Began(at time.Time) { n.seen.began.Store(at.UnixNano()) }

// SetCoding notes how much time the worker has spent on decoding arguments and encoding results.
func (n *Note) SetCoding(d time.Duration) { n.seen.coding.Store(int64(d)) }

// Report notes how much of the item is done.
func (n *Note) Report(tag uint32, item int, done, total int64) {
	n.seen.total.Store(total)
	n.seen.done.Store(done)
	n.seen.item.Store(itemWord(tag, item))
}

// A Sight is what a driver sees of a worker.
type Sight struct {
	Tag    uint32 // of the chunk that it runs
	Item   int    // offset there of the item that it runs
	Busy   bool   // it runs an item
	Began  time.Time
	Done   int64 // of the item, if its task has reported that
	Total  int64
	Coding time.Duration // as set by SetCoding
	Peak   int64         // the most memory that it had in use, in bytes, as far as known
}

// Look returns what can be seen of the worker. After Close, that is what was seen last of its
// Coding and its Peak.
func (n *Note) Look() (s Sight) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.memory == nil {
		return n.last
	}
	word := n.word.Load()
	s.Tag, s.Item = uint32(word>>32), int(uint32(word)&^finished)
	s.Busy = word != 0 && word&finished == 0
	s.Began = time.Unix(0, n.seen.began.Load())
	if n.seen.item.Load() == word {
		s.Done, s.Total = n.seen.done.Load(), n.seen.total.Load()
	}
	s.Coding, s.Peak = time.Duration(n.seen.coding.Load()), n.peak()
	return s
}

// keep keeps for Look what remains when the memory is gone. n.mu is held.
func (n *Note) keep() {
	n.last = Sight{Coding: time.Duration(n.seen.coding.Load()), Peak: n.peak()}
}
