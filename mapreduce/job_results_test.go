package mapreduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// smallLimits makes results be sorted in ranges, and values be grouped in buckets, even if there
// are few of them. The pools must be made after it, as workers inherit no variables: they are
// goroutines.
func smallLimits(t *testing.T) {
	wasSort, wasGroup := sortInOne, groupInMemory
	t.Cleanup(func() { sortInOne, groupInMemory = wasSort, wasGroup })
	sortInOne, groupInMemory = 2000, 1000
}

func checkResults[J Mapper[In, K, V], In any, K cmp.Ordered, V cmp.Ordered](t *testing.T, p *Pool, j *Job[J, In, K, V], job J, in []In) {
	t.Helper()
	want := serially(t, job, in)
	got, err := j.Results(t.Context(), p, job, in)
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != len(want) {
		t.Errorf("%s: %d keys, want %d", j.Name(), got.Len(), len(want))
	}
	keys := slices.Sorted(maps.Keys(want))
	at := 0
	for k, v := range got.All() {
		if at >= len(keys) || k != keys[at] || v != want[k] {
			t.Fatalf("%s: entry %d of All is %v: %v", j.Name(), at, k, v)
		}
		at++
	}
	byValue := slices.SortedStableFunc(slices.Values(keys), func(a, b K) int { return cmp.Compare(want[b], want[a]) })
	at = 0
	for k, v := range got.Ranked() {
		if at >= len(keys) || k != byValue[at] || v != want[k] {
			t.Fatalf("%s: entry %d of Ranked is %v: %v, want %v: %v", j.Name(), at, k, v, byValue[at], want[byValue[at]])
		}
		at++
	}
	for range got.All() { // ends early
		break
	}
	for _, k := range []int{1, 7, 0, len(want) + 1} {
		top, err := got.Top(k, func(a, b Entry[K, V]) bool { return a.Value > b.Value })
		if k == 0 || k > len(want) {
			k = len(want)
		}
		if err != nil || !slices.EqualFunc(top, byValue[:k], func(e Entry[K, V], k K) bool { return e.Key == k && e.Value == want[k] }) {
			t.Errorf("%s: Top(%d) is %v, %v; want %v", j.Name(), k, top, err, byValue[:k])
		}
	}
	for _, k := range []K{keys[0], keys[len(keys)/2], keys[len(keys)-1]} {
		if v, ok, err := got.Get(k); v != want[k] || !ok || err != nil {
			t.Errorf("%s: Get(%v) is %v, %v, %v; want %v", j.Name(), k, v, ok, err, want[k])
		}
	}
	var none K
	if v, ok, err := got.Get(none); ok || err != nil {
		t.Errorf("%s: Get of a key that there is not is %v, %v, %v", j.Name(), v, ok, err)
	}
	if err := cmp.Or(got.Err(), got.Close()); err != nil {
		t.Errorf("%s: %v", j.Name(), err)
	}
}

// manyJob emits many keys, with a Reduce only or with a Combine only.
type (
	manyReduce  struct{ Keys int }
	manyCombine struct{ Keys int }
)

func (j manyReduce) Map(_ context.Context, n int, emit func(string, int)) error {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	for range 300 {
		emit(fmt.Sprint("key ", random.IntN(1+random.IntN(j.Keys))), random.IntN(10))
	}
	return nil
}

func (j manyReduce) Reduce(_ string, values iter.Seq[int]) (sum int) {
	for range values { // it may look at them more than once
		break
	}
	for v := range values {
		sum += v*v + 1
	}
	return sum
}

func (j manyCombine) Map(ctx context.Context, n int, emit func(string, int)) error {
	return manyReduce(j).Map(ctx, n, emit)
}

func (manyCombine) Combine(a, b int) int { return a + b }

var (
	manyReduced  = NewJob[manyReduce]("many, reduced")
	manyCombined = NewJob[manyCombine]("many, combined")
)

// A result is the same, in the same order, for any number of workers and any sizes.
func TestJobResults(t *testing.T) {
	for _, procs := range []int{1, 2, 5, 16} {
		p := newPool(t, Procs(procs))
		checkResults(t, p, manyReduced, manyReduce{2000}, numbers(20))
		checkResults(t, p, manyCombined, manyCombine{2000}, numbers(20))
	}
	smallLimits(t)
	p := newPool(t, InProcess())
	for _, keys := range []int{1, 3, 2000} {
		checkResults(t, p, manyReduced, manyReduce{keys}, numbers(40))
		checkResults(t, p, manyCombined, manyCombine{keys}, numbers(40))
	}
}

// Where workers cannot find the driver's files, everything travels in messages.
func TestJobResultsInside(t *testing.T) {
	was := withoutPlaces
	t.Cleanup(func() { withoutPlaces = was })
	withoutPlaces = true
	p := newPool(t)
	checkResults(t, p, manyReduced, manyReduce{500}, numbers(20))
	checkResults(t, p, manyCombined, manyCombine{500}, numbers(20))
}

func TestJobResultsOfNothing(t *testing.T) {
	r, err := manyReduced.Results(t.Context(), newPool(t), manyReduce{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k := range r.All() {
		t.Errorf("All yields %v", k)
	}
	top, err := r.Top(3, func(a, b Entry[string, int]) bool { return true })
	if _, ok, gerr := r.Get("a"); ok || gerr != nil || err != nil || len(top) > 0 || r.Len() != 0 {
		t.Errorf("%v, %v, %v, %v", ok, gerr, err, top)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Each NaN is a key of its own, whatever the number of workers.
func TestJobResultsNaN(t *testing.T) {
	for procs := 1; procs <= 16; procs++ {
		p := newPool(t, Procs(procs), Chunksize(1))
		for range 2 {
			combined, err := nanKeys.combined.Results(t.Context(), p, combineKeys[[1]float64]{}, numbers(len(nanKeys.keys)))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for k, v := range combined.All() {
				if n++; k[0] == k[0] || v != 1 {
					t.Errorf("%d workers: %v: %d", procs, k, v)
				}
			}
			if _, ok, err := combined.Get([1]float64{math.NaN()}); n != 3 || combined.Len() != 3 || ok || err != nil {
				t.Errorf("%d workers: %d of %d keys; Get of a NaN: %v, %v", procs, n, combined.Len(), ok, err)
			}
			if err := combined.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Cancel ends a listing at the next range, and all that is asked after it.
func TestJobResultsCancel(t *testing.T) {
	smallLimits(t)
	cause := errors.New("enough")
	for name, all := range map[string]func(*Result[string, int]) iter.Seq2[string, int]{
		"All": (*Result[string, int]).All, "Ranked": (*Result[string, int]).Ranked,
	} {
		r, err := manyCombined.Results(t.Context(), newPool(t, InProcess()), manyCombine{2000}, numbers(20))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for range all(r) {
			if got++; got == 1 {
				r.Cancel(cause)
			}
		}
		if got == r.Len() || !errors.Is(r.Err(), cause) || strings.Count(r.Err().Error(), "read its results") != 1 {
			t.Errorf("%s yields %d of %d after Cancel, %v", name, got, r.Len(), r.Err())
		}
		if _, err := r.Top(1, func(a, b Entry[string, int]) bool { return a.Value > b.Value }); !errors.Is(err, cause) {
			t.Errorf("Top after Cancel: %v", err)
		}
		if _, _, err := r.Get("a"); !errors.Is(err, cause) {
			t.Errorf("Get after Cancel: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
