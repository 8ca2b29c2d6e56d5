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

// Sums merges the values of frequent keys and writes the records of the others as they come.
type Sums struct {
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
func (s *Sums) Add(key string, v uint64) {
	if len(key) >= maxShort {
		s.addLong(key, v)
		return
	}
	k := wordsOf(key)
	hash := s.hot.hashShort(k)
	if !s.bypass {
		at := s.hot.short(k, hash)
		s.looks++
		switch {
		case at.hi != 0 && s.merge == Sum:
			at.value += v
			return
		case at.hi != 0:
			at.value = s.merge.of(at.value, v)
			return
		case !s.full:
			s.hot.putShort(at, k, v)
			s.added()
			return
		}
		s.miss()
	}
	s.to.appendShort(PartitionOf(hash), k, v)
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
	s.hot.drain(s.to, true)
	s.full, s.bypass = false, false
}

// Discard drops what the table holds, and begins anew.
func (s *Sums) Discard() {
	clear(s.hot.slots)
	s.hot.used, s.hot.texts, s.hot.spans = 0, s.hot.texts[:0], s.hot.spans[:0]
	s.full, s.bypass = false, false
}

func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
