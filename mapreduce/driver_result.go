package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A Result holds the reduced values of a job's keys in storage: shared memory, or unnamed files in
// [os.TempDir] where there is none. What its methods need in memory does not grow with the number
// of keys. They may be used by several goroutines at once, and after the pool was closed, but not
// during or after Close.
type Result[K comparable, V any] struct {
	job    string
	pairs  *pairCodec[K, V]
	less   entryOrder[K, V]
	store  *storage
	groups []group
	parts  []reduced
	keys   int
	lost   TaskErrors

	ctx    context.Context // ends when Cancel is called
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	failed error
}

// An Entry is a key of a [Result] and its value.
type Entry[K comparable, V any] struct {
	Key   K
	Value V
}

func newResult[J Mapper[In, K, V], In any, K comparable, V any](j *Job[J, In, K, V], s *storage, items *reduceItems) *Result[K, V] {
	r := &Result[K, V]{job: j.name, pairs: &j.pairs, less: newEntryOrder[K, V](), store: s, groups: items.groups, parts: items.reduced}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	for i := range r.groups {
		r.groups[i].extents = nil // where the records were
		r.keys += r.parts[i].keys
	}
	return r
}

// Failed returns the failures of the pieces whose pairs are missing, in the order of the input;
// none without [KeepGoing].
func (r *Result[K, V]) Failed() TaskErrors { return r.lost }

// Len returns the number of keys.
func (r *Result[K, V]) Len() int { return r.keys }

// All yields all keys and values in the order of the keys, which is the same in every run: numbers
// by size, text by its bytes, false before true, structs and arrays by their first parts that
// differ. It sorts in several goroutines while it yields. If storage cannot be read, it ends early,
// and Err returns why.
func (r *Result[K, V]) All() iter.Seq2[K, V] { return r.sorted(r.less.byKey()) }

// Ranked is All in the order of the values, the largest first, and by key where they are equal.
// Values that Go cannot compare, such as slices, are all equal.
func (r *Result[K, V]) Ranked() iter.Seq2[K, V] { return r.sorted(r.less.byValue()) }

// Cancel ends what All, Ranked, Top and Get are doing, and makes them fail from now on, with an error
// in which [errors.Is] finds cause. It does not wait for them, and does not free the storage. Only
// the first call has an effect.
func (r *Result[K, V]) Cancel(cause error) { r.cancel(cause) }

// Err returns the error that has ended an All or a Ranked early, nil if none did. A loop over them
// should be followed by it.
func (r *Result[K, V]) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *Result[K, V]) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = r.readError(err)
	}
}

func (r *Result[K, V]) readError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mapreduce: job %s: read its results: %w", r.job, err)
}

// Get returns the value of a key. It reads the part of the results that would hold the key. ok is
// false if there is none.
func (r *Result[K, V]) Get(key K) (value V, ok bool, err error) {
	if key, err = r.pairs.arrive(key); err != nil {
		return value, false, fmt.Errorf("mapreduce: job %s: get a key: %w", r.job, err)
	}
	partition := r.pairs.partition(r.store.head.seed, &key)
	i := slices.IndexFunc(r.groups, func(g group) bool { return partition < g.end })
	if i < 0 {
		return value, false, nil
	}
	err = r.each(i, func(k K, v V, _ []byte) {
		if k == key {
			value, ok = v, true
		}
	})
	return value, ok, r.readError(err)
}

// each calls f for the keys and values of a part, with the encoded pair. Keys and pairs may lie in
// a buffer that is used again after the call.
func (r *Result[K, V]) each(part int, f func(k K, v V, pair []byte)) error {
	var buf []byte
	for _, e := range r.parts[part].extents {
		err := context.Cause(r.ctx)
		if err != nil {
			return err
		}
		if buf, err = r.store.results.Read(e, buf); err == nil {
			err = r.pairs.eachResult(buf, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// toMap returns all keys and values.
func (r *Result[K, V]) toMap() (map[K]V, error) {
	all := make(map[K]V, r.keys)
	for i := range r.parts {
		var twice error
		err := r.each(i, func(k K, v V, _ []byte) {
			if _, ok := all[k]; ok {
				twice = fmt.Errorf("mapreduce: job %s: key %v has two results: it does not decode to the same value in each process", r.job, k)
			}
			all[r.pairs.own(k)] = v
		})
		if err = errors.Join(r.readError(err), twice); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Close frees the storage.
func (r *Result[K, V]) Close() error {
	r.cancel(nil)
	return r.store.free()
}

// parallel calls f for each number below n in as many goroutines as can run at once, and waits for
// them. After an error it begins no more.
func parallel(n int, f func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
