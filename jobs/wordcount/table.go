package wordcount

import "hash/maphash"

// A wordTable is emptied when it has this many bytes or words, so that its memory does not grow
// with the text.
const (
	tableBytes = 8 << 20
	tableWords = 1 << 17
)

// wordTable counts words. With many words it is faster than a map[string]*int64, by up to a half:
// the words are in the order in which they first came, so that the frequent ones are near each
// other and stay in the cache.
type wordTable struct {
	seed    maphash.Seed
	index   []uint32 // by hash: 1 + the place in entries, or 0; a power of two long
	entries []entry
	texts   []byte // of all words
}

type entry struct {
	n          int64
	hash       uint64
	start, end uint32 // of the word in texts
}

func newWordTable() *wordTable {
	return &wordTable{seed: maphash.MakeSeed(), index: make([]uint32, 1<<12)}
}

func (t *wordTable) add(word []byte) {
	hash := maphash.Bytes(t.seed, word)
	mask := uint64(len(t.index) - 1)
	i := hash & mask
	for ; t.index[i] != 0; i = (i + 1) & mask {
		e := &t.entries[t.index[i]-1]
		if e.hash == hash && string(t.texts[e.start:e.end]) == string(word) {
			e.n++
			return
		}
	}

	start := len(t.texts)
	t.texts = append(t.texts, word...)
	t.entries = append(t.entries, entry{n: 1, hash: hash, start: uint32(start), end: uint32(len(t.texts))})
	t.index[i] = uint32(len(t.entries))
	if len(t.entries) > len(t.index)/2 {
		t.grow()
	}
}

func (t *wordTable) grow() {
	t.index = make([]uint32, 2*len(t.index))
	mask := uint64(len(t.index) - 1)
	for place, e := range t.entries {
		i := e.hash & mask
		for t.index[i] != 0 {
			i = (i + 1) & mask
		}
		t.index[i] = uint32(place + 1)
	}
}

// large reports whether it is time to drain the table.
func (t *wordTable) large() bool {
	return len(t.texts) > tableBytes || len(t.entries) > tableWords
}

// drain calls emit for each word and empties the table.
func (t *wordTable) drain(emit func(word string, n int64)) {
	for _, e := range t.entries {
		emit(string(t.texts[e.start:e.end]), e.n)
	}
	clear(t.index)
	t.entries, t.texts = t.entries[:0], t.texts[:0]
}
