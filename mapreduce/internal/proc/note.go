package proc

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// A Note is a word of memory that a worker shares with its driver. The worker notes there which
// item it runs, which costs a nanosecond; when it dies, the driver knows which item to blame.
// Further words say how much memory the worker uses, which item prints, and what watchers may see.
type Note struct {
	word    *atomic.Uint64
	used    *memoryUsed
	printed *printed
	seen    *seen

	mu     sync.Mutex // guards memory against use after Close
	memory *memory
	last   Sight // before memory was closed
}

// memoryUsed is what a worker notes about its memory, in bytes.
type memoryUsed struct {
	peak  atomic.Int64 // the most in use so far
	taken atomic.Int64 // taken since it was at rest, which is what a limit counts
}

// newNote returns the note in a memory.
func newNote(m *memory) *Note {
	at := func(i int) unsafe.Pointer { return unsafe.Pointer(&m.bytes[noteAt+i]) }
	return &Note{memory: m, word: (*atomic.Uint64)(at(0)), used: (*memoryUsed)(at(8)), printed: (*printed)(at(24)), seen: (*seen)(at(48))}
}

// Set notes that the worker runs the item at that offset in the chunk with that tag.
func (n *Note) Set(tag uint32, item int) { n.word.Store(itemWord(tag, item)) }

func itemWord(tag uint32, item int) uint64 { return uint64(tag)<<32 | uint64(uint32(item)) }

// Finish notes that the worker has computed the item and its answer is on its way: the item is to
// blame until the answer has left.
func (n *Note) Finish() { n.word.Or(finished) }

// finished is larger than any offset of an item in a chunk.
const finished = 1 << 31

// Clear notes that the worker runs no item. The tags of chunks begin with 1.
func (n *Note) Clear() { n.word.Store(0) }

// Running returns the item that was noted last. ok is false if there is none.
func (n *Note) Running() (tag uint32, item int, ok bool) {
	word := n.load()
	return uint32(word >> 32), int(uint32(word) &^ finished), word != 0
}

// Busy is Running for an item that is not finished.
func (n *Note) Busy() (tag uint32, item int, ok bool) {
	tag, item, ok = n.Running()
	return tag, item, ok && n.load()&finished == 0
}

func (n *Note) load() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.memory == nil {
		return 0
	}
	return n.word.Load()
}

// printing returns the word of the item that was noted last, finished or not, and that of the last
// item that found the stream empty when it began; 0 if there is none.
func (n *Note) printing(stream int) (item, empty uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.memory == nil {
		return 0, 0
	}
	item = n.word.Load() &^ finished // first: its mark is older
	return item, n.printed.empty[stream].Load()
}

// hear notes that the driver has read what the worker printed.
func (n *Note) hear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.memory != nil {
		n.printed.heard.Add(1)
	}
}

func (n *Note) setPeak(bytes int64)  { n.used.peak.Store(bytes) }
func (n *Note) setTaken(bytes int64) { n.used.taken.Store(bytes) }

// peak and taken must not be called after Close.
func (n *Note) peak() int64  { return n.used.peak.Load() }
func (n *Note) taken() int64 { return n.used.taken.Load() }

// Close lets go of the memory; Running then finds nothing. Close may be called again.
func (n *Note) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.memory != nil {
		n.keep()
		n.memory.close()
		n.memory = nil
	}
}
