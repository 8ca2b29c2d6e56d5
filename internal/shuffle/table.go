package shuffle

// A table maps keys of bytes to values of 64 bits. Collisions go to the next free slot.
type table struct {
	seed  Seed
	slots []slot // a power of two of them; at most half are used
	used  int
	texts []byte // of the keys that do not fit in a slot
	spans []span // where they lie in texts
}

// A slot holds a short key as its words; of a longer key lo is the hash, and hi is isLong and the
// number of its span. In a free slot hi is 0.
type slot struct {
	words
	value uint64
}

type span struct{ begin, end int }

const isLong = 0xff << 56

func newTable(seed Seed, slots int) table { return table{seed: seed, slots: make([]slot, slots)} }

func (t *table) hashShort(k words) uint64 { return fold(k.lo^t.seed[0], k.hi^t.seed[1]) }

// short returns the slot of a short key: the one that holds it, or the free one for it.
func (t *table) short(k words, hash uint64) *slot {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.words == k || s.hi == 0 {
			return s
		}
	}
}

// long returns the slot of a long key, like short.
func (t *table) long(key string, hash uint64) *slot {
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.hi == 0 || s.hi >= isLong && s.lo == hash && t.text(s) == key {
			return s
		}
	}
}

// text returns the key of a slot that holds a long one, as long as no other is put.
func (t *table) text(s *slot) string {
	at := t.spans[s.hi&^isLong]
	return borrow(t.texts[at.begin:at.end])
}

func (t *table) putShort(s *slot, k words, v uint64) {
	*s = slot{k, v}
	t.used++
}

func (t *table) putLong(s *slot, key string, hash, v uint64) {
	*s = slot{words{hash, isLong | uint64(len(t.spans))}, v}
	t.spans = append(t.spans, span{len(t.texts), len(t.texts) + len(key)})
	t.texts = append(t.texts, key...)
	t.used++
}

// hashOf returns the hash of the key in a slot.
func (t *table) hashOf(s *slot) uint64 {
	if s.hi >= isLong {
		return s.lo
	}
	return t.hashShort(s.words)
}

// grow doubles the slots.
func (t *table) grow() {
	was := t.slots
	t.slots = make([]slot, 2*len(was))
	mask := uint64(len(t.slots) - 1)
	for i := range was {
		if s := &was[i]; s.hi != 0 {
			at := t.hashOf(s) & mask
			for t.slots[at].hi != 0 {
				at = (at + 1) & mask
			}
			t.slots[at] = *s
		}
	}
}

// drain writes a record for each key to a writer, to the partition of its hash or to number 0, and
// empties the table.
func (t *table) drain(to *Writer, partitioned bool) {
	for i := range t.slots {
		s := &t.slots[i]
		if s.hi == 0 {
			continue
		}
		partition := 0
		if partitioned {
			partition = PartitionOf(t.hashOf(s))
		}
		if s.hi >= isLong {
			to.appendLong(partition, t.text(s), s.value)
		} else {
			to.appendShort(partition, s.words, s.value)
		}
		s.hi = 0
		s.lo = 0
	}
	t.used, t.texts, t.spans = 0, t.texts[:0], t.spans[:0]
}
