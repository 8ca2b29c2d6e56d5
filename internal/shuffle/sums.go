package shuffle

import "unsafe"

const (
	// hotSlots is the size of the table of frequent keys: 1.5 MB. With half as many, text has 1.15
	// times the time; with twice as many, the same.
	hotSlots = 1 << 16
	hotTexts = 1 << 20 // bytes of long keys in it

	// When more than missed of the last looked keys were not in the full table, looking for the
	// others costs more than it saves.
	looked = 4096
	missed = looked * 3 / 10
)

// atOnce is how many keys wait to be looked up. To look them up in a loop that does nothing else
// lets the processor fetch the slots of many at the same time.
const atOnce = 256

// pageSize is the smallest of all systems.
const pageSize = 4 << 10

// Sums merges the values of frequent keys and writes the records of the others as they come.
type Sums struct {
	waiting [atOnce]slot // short keys
	n       int          // of them

	hot    table
	merge  Merge
	to     *Writer
	full   bool // the table takes no more keys
	bypass bool // the table is not asked any more

	looks, misses int // since the table was full
}

// NewSums returns sums that are written to a writer.
func NewSums(seed Seed, merge Merge, to *Writer) *Sums {
	return &Sums{hot: newTable(seed, 1<<10), merge: merge, to: to}
}

// Add adds a value of a key. It does not keep key.
//
// It reads a short key as two words, whatever the length is, and drops what lies behind the key: a
// branch for each length would cost more than all else. Only on the next page might there be
// nothing to read. Neither the race detector nor the check of pointers knows that.
//
//go:norace
//go:nocheckptr
func (s *Sums) Add(key string, v uint64) {
	at := unsafe.Pointer(unsafe.StringData(key))
	switch {
	case uint(len(key)-1) < maxShort-1 && uintptr(at)%pageSize <= pageSize-maxShort:
		s.waiting[s.n%atOnce] = slot{wordsAt((*[maxShort]byte)(at), len(key)), v}
	case len(key) < maxShort:
		s.waiting[s.n%atOnce] = slot{wordsOf(key), v}
	default:
		s.addLong(key, v)
		return
	}
	if s.n++; s.n == atOnce {
		s.lookUp()
	}
}

// lookUp adds the keys that wait.
func (s *Sums) lookUp() {
	waiting := s.waiting[:s.n]
	s.n = 0
	for len(waiting) > 0 && !s.bypass {
		waiting = waiting[s.met(waiting):]
		if len(waiting) > 0 {
			s.addShort(&waiting[0])
			waiting = waiting[1:]
		}
	}
	for i := range waiting {
		w := &waiting[i]
		s.to.appendShort(PartitionOf(s.hot.hashShort(w.words)), w.words, w.value)
	}
}

// met adds keys until one is not where the table is first looked at for it, and returns how many.
func (s *Sums) met(waiting []slot) int {
	if s.merge != Sum {
		return 0
	}
	slots := s.hot.slots
	for i := range waiting {
		w := &waiting[i]
		at := &slots[s.hot.hashShort(w.words)&uint64(len(slots)-1)]
		if at.words != w.words {
			s.looks += i
			return i
		}
		at.value += w.value
	}
	s.looks += len(waiting)
	return len(waiting)
}

func (s *Sums) addShort(w *slot) {
	hash := s.hot.hashShort(w.words)
	at := s.hot.short(w.words, hash)
	s.looks++
	switch {
	case at.hi != 0:
		at.value = s.merge.of(at.value, w.value)
		return
	case !s.full:
		s.hot.putShort(at, w.words, w.value)
		s.added()
		return
	}
	s.miss()
	s.to.appendShort(PartitionOf(hash), w.words, w.value)
}

func (s *Sums) addLong(key string, v uint64) {
	hash := Hash(s.hot.seed, key)
	if !s.bypass {
		at := s.hot.long(key, hash)
		s.looks++
		switch {
		case at.hi != 0:
			at.value = s.merge.of(at.value, v)
			return
		case !s.full && len(s.hot.texts)+len(key) <= hotTexts:
			s.hot.putLong(at, key, hash, v)
			s.added()
			return
		}
		s.miss()
	}
	s.to.appendLong(PartitionOf(hash), key, v)
}

// added makes room for the next key, or freezes the table.
func (s *Sums) added() {
	switch {
	case s.hot.used < len(s.hot.slots)/2:
	case len(s.hot.slots) < hotSlots:
		s.hot.grow()
	default:
		s.full = true
		s.looks, s.misses = 0, 0
	}
}

func (s *Sums) miss() {
	s.misses++
	if s.looks >= looked {
		s.bypass = s.misses > missed
		s.looks, s.misses = 0, 0
	}
}

// Flush writes what the table holds, and begins anew.
func (s *Sums) Flush() {
	s.lookUp()
	s.hot.drain(s.to, true)
	s.full, s.bypass = false, false
}

// Discard drops what the table holds, and begins anew.
func (s *Sums) Discard() {
	s.n = 0
	clear(s.hot.slots)
	s.hot.used, s.hot.texts, s.hot.spans = 0, s.hot.texts[:0], s.hot.spans[:0]
	s.full, s.bypass = false, false
}

func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
