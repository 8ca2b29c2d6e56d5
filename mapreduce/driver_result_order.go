package mapreduce

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"
	"sort"

	"mrrun/internal/shuffle"
)

// sortInOne is how many bytes of results are sorted in one go. More are first sorted into ranges.
var sortInOne int64 = 1 << 20

// A ranked is an entry with a number that orders most entries: where two have different ranks, the
// smaller one comes first.
type ranked[K comparable, V any] struct {
	rank uint64
	Entry[K, V]
}

// sorted yields all entries in an order. It cuts that order into ranges that are about equally
// large, copies each entry to its range, and sorts the ranges in several goroutines while those
// before are yielded.
func (r *Result[K, V]) sorted(o resultOrder[K, V]) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		ranges, files, err := r.ranges(o)
		defer files.Free()
		if err == nil {
			err = r.yieldRanges(o, ranges, yield)
		}
		if err != nil {
			r.fail(err)
		}
	}
}

// A span of results that is sorted in one go.
type sortRange struct {
	files   shuffle.Files
	extents []shuffle.Extent
}

// ranges returns the ranges in their order, and the files made for them, which the caller must
// free.
func (r *Result[K, V]) ranges(o resultOrder[K, V]) (ranges []sortRange, files shuffle.Files, err error) {
	var size int64
	whole := sortRange{files: r.store.results}
	for _, p := range r.parts {
		for _, e := range p.extents {
			size += int64(e.Length)
		}
		whole.extents = append(whole.extents, p.extents...)
	}
	if size <= sortInOne {
		return []sortRange{whole}, nil, nil
	}
	bounds, err := r.sample(o, int(min(shuffle.Partitions, 1+size/(sortInOne/2))))
	if err != nil {
		return nil, nil, err
	}
	scatterers := make(chan *shuffle.Writer, runtime.GOMAXPROCS(0))
	for i := range cap(scatterers) {
		f, err := r.store.newSorted()
		if err != nil {
			return nil, files, err
		}
		files = append(files, f)
		scatterers <- shuffle.NewWriter(f, i, int(r.store.head.limits.block))
	}
	err = parallel(len(r.parts), func(i int) error {
		w := <-scatterers
		defer func() { scatterers <- w }()
		var e ranked[K, V] // one for all, as its address goes to functions that are not known
		return r.each(i, func(k K, v V, pair []byte) {
			e.Entry = Entry[K, V]{k, v}
			e.rank = o.rank(&e.Entry)
			place := sort.Search(len(bounds), func(i int) bool {
				b := &bounds[i]
				return b.rank > e.rank || b.rank == e.rank && o.rest(&b.Entry, &e.Entry) >= 0
			})
			w.Append(place, pair, nil)
		})
	})
	ranges = make([]sortRange, len(bounds)+1)
	for range cap(scatterers) {
		parts, failed := (<-scatterers).Commit()
		if err == nil {
			err = failed
		}
		for _, p := range parts {
			ranges[p.Partition].files = files
			ranges[p.Partition].extents = append(ranges[p.Partition].extents, p.Extent)
		}
	}
	return ranges, files, err
}

// sampled is how many entries of a part are looked at to find the bounds of ranges.
const sampled = 32

// sample returns the entries that part the order into n ranges of about the same size.
func (r *Result[K, V]) sample(o resultOrder[K, V], n int) ([]ranked[K, V], error) {
	samples := make([][]ranked[K, V], len(r.parts))
	err := parallel(len(r.parts), func(i int) error {
		extents := r.parts[i].extents
		if len(extents) == 0 {
			return nil
		}
		block, err := r.store.results.Read(extents[i%len(extents)], nil)
		if err != nil {
			return err
		}
		every := max(1, r.parts[i].keys/len(extents)/sampled)
		count := 0
		return r.pairs.eachResult(block, func(k K, v V, _ []byte) {
			if count++; count%every == 0 {
				samples[i] = append(samples[i], o.rankOf(Entry[K, V]{r.pairs.own(k), v}))
			}
		})
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(samples...)
	slices.SortFunc(all, func(a, b ranked[K, V]) int { return o.compare(&a, &b) })
	var bounds []ranked[K, V]
	for i := 1; i < n && len(all) > 0; i++ {
		bounds = append(bounds, all[i*len(all)/n])
	}
	return bounds, nil
}

// yieldRanges sorts each range and yields its entries. A goroutine for each processor sorts ahead.
func (r *Result[K, V]) yieldRanges(o resultOrder[K, V], ranges []sortRange, yield func(K, V) bool) error {
	type sorted struct {
		sortedRange[K, V]
		err error
	}
	ahead := runtime.GOMAXPROCS(0)
	results := make([]chan sorted, len(ranges))
	begin := func(i int) {
		if i < len(ranges) {
			results[i] = make(chan sorted, 1)
			go func() {
				of, err := r.sortRange(o, ranges[i])
				results[i] <- sorted{of, err}
			}()
		}
	}
	begun := min(ahead, len(ranges))
	for i := range begun {
		begin(i)
	}
	at := 0
	defer func() {
		for ; at < begun; at++ {
			<-results[at] // each goroutine ends before the files are freed
		}
	}()
	for at < len(ranges) {
		s := <-results[at]
		at++
		if err := cmp.Or(s.err, context.Cause(r.ctx)); err != nil {
			return err
		}
		if begun < len(ranges) {
			begin(begun)
			begun++
		}
		for _, place := range s.order {
			if e := &s.entries[place.at]; !yield(e.Key, e.Value) {
				return nil
			}
		}
	}
	return nil
}

// sortedRange are the entries of a range and their order: of their places, which are cheaper to
// move.
type sortedRange[K comparable, V any] struct {
	entries []Entry[K, V]
	order   []rankedPlace
}

// sortRange reads the entries of a range and sorts them.
func (r *Result[K, V]) sortRange(o resultOrder[K, V], of sortRange) (s sortedRange[K, V], err error) {
	for _, e := range of.extents {
		if err := context.Cause(r.ctx); err != nil {
			return s, err
		}
		block, err := of.files.Read(e, nil) // keys may lie in it
		if err != nil {
			return s, err
		}
		if err := r.pairs.eachResult(block, func(k K, v V, _ []byte) { s.entries = append(s.entries, Entry[K, V]{k, v}) }); err != nil {
			return s, err
		}
	}
	s.order = make([]rankedPlace, len(s.entries))
	for i := range s.order {
		s.order[i] = rankedPlace{o.rank(&s.entries[i]), i}
	}
	s.order = sortPlaces(s.order, func(a, b int) int { return o.rest(&s.entries[a], &s.entries[b]) })
	return s, nil
}
