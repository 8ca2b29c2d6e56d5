package mapreduce

import (
	"slices"
	"sync"
)

// Top returns the first k entries in the order that less defines: less reports whether a comes
// before b. Entries neither of which comes before the other are in the order of their keys. With k
// <= 0 or k > Len it returns all entries. Several goroutines call less at once; it must not keep
// keys.
func (r *Result[K, V]) Top(k int, less func(a, b Entry[K, V]) bool) ([]Entry[K, V], error) {
	if k <= 0 || k > r.keys {
		k = r.keys
	}
	compare := func(a, b Entry[K, V]) int {
		switch {
		case less(a, b):
			return -1
		case less(b, a):
			return 1
		}
		return r.less.keys(&a, &b)
	}
	var mu sync.Mutex
	all := &best[K, V]{k: k, compare: compare}
	err := parallel(len(r.parts), func(i int) error {
		of := &best[K, V]{k: k, compare: compare, own: r.pairs.own}
		mu.Lock()
		of.bar, of.full = all.bar, all.full
		mu.Unlock()
		err := r.each(i, func(key K, v V, _ []byte) { of.add(Entry[K, V]{key, v}) })
		mu.Lock()
		defer mu.Unlock()
		for _, e := range of.entries {
			all.add(e)
		}
		return err
	})
	if err != nil {
		return nil, r.readError(err)
	}
	all.cut()
	return all.entries, nil
}

// best keeps the first k of the entries that are added to it.
type best[K comparable, V any] struct {
	k       int
	compare func(a, b Entry[K, V]) int
	own     func(K) K // for a key that is kept; nil: it need not be copied
	entries []Entry[K, V]
	bar     Entry[K, V] // there are k entries that come before this one, or are it
	full    bool        // bar is set
}

// add adds an entry. It keeps up to 2k entries and then cuts them to the best k: that costs no more
// than a heap and rejects most entries after one comparison.
func (b *best[K, V]) add(e Entry[K, V]) {
	if b.full && b.compare(e, b.bar) >= 0 {
		return
	}
	if b.own != nil {
		e.Key = b.own(e.Key)
	}
	if b.entries = append(b.entries, e); len(b.entries) >= 2*b.k {
		b.cut()
	}
}

// cut sorts the entries and drops all after the first k.
func (b *best[K, V]) cut() {
	slices.SortFunc(b.entries, b.compare)
	if len(b.entries) >= b.k && b.k > 0 {
		b.entries = b.entries[:b.k]
		b.bar, b.full = b.entries[b.k-1], true
	}
}
