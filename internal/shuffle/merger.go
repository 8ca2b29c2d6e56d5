package shuffle

// batch is how many records a [Merger] reads before it looks them up, so that the processor fetches
// their slots at the same time.
const batch = 32

// A Merger merges the records of a partition. It is used again for the next one, whose keys are
// about as many: partitions of hashes are alike.
type Merger struct {
	table
	merge   Merge
	touched uint64 // keeps what touches slots from being optimised away

	words  [batch]words
	hashes [batch]uint64
	values [batch]uint64
}

// NewMerger returns a merger for records that [Sums] with the same seed and merge have written.
func NewMerger(seed Seed, merge Merge) *Merger {
	return &Merger{table: newTable(seed, 1<<10), merge: merge}
}

// Add adds the records of a block.
func (m *Merger) Add(block []byte) error {
	block = WithSlack(block)
	for at := 0; at < len(block); {
		n := 0
		for n < batch && at < len(block) {
			begin, next, follows, err := headAt(block, at)
			if err != nil {
				return err
			}
			v := uint64(1)
			end := next
			if follows {
				if v, next, err = valueAt(block, next); err != nil {
					return err
				}
			}
			at = next
			if end-begin >= maxShort {
				m.addLong(borrow(block[begin:end]), v)
				continue
			}
			k := wordsAt((*[maxShort]byte)(block[begin:begin+maxShort:cap(block)]), end-begin)
			hash := m.hashShort(k)
			m.touched += m.slots[hash&uint64(len(m.slots)-1)].hi
			m.words[n], m.hashes[n], m.values[n] = k, hash, v
			n++
		}
		for i := range n {
			m.addShort(m.words[i], m.hashes[i], m.values[i])
		}
	}
	return nil
}

func (m *Merger) addShort(k words, hash, v uint64) {
	s := m.short(k, hash)
	switch {
	case s.hi != 0:
		s.value = m.merge.of(s.value, v)
		return
	case 2*m.used >= len(m.slots):
		m.grow()
		s = m.short(k, hash)
	}
	m.putShort(s, k, v)
}

func (m *Merger) addLong(key string, v uint64) {
	hash := Hash(m.seed, key)
	s := m.long(key, hash)
	switch {
	case s.hi != 0:
		s.value = m.merge.of(s.value, v)
		return
	case 2*m.used >= len(m.slots):
		m.grow()
		s = m.long(key, hash)
	}
	m.putLong(s, key, hash, v)
}

// Write writes the merged records to partition 0 of a writer, says how many there are, and empties
// the merger. Its table fits the next partition.
func (m *Merger) Write(to *Writer) (keys int) {
	keys = m.used
	m.drain(to, false)
	if fit := max(len(m.slots)/8, 1<<10); keys < fit/2 {
		m.slots = make([]slot, fit)
	}
	return keys
}

// Discard empties the merger.
func (m *Merger) Discard() { m.table = newTable(m.seed, 1<<10) }
