package mapreduce

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

type (
	sumOf[K comparable, V Number] struct{ Sum[V] }
	minOf[K comparable, V Number] struct{ Min[V] }
	maxOf[K comparable, V Number] struct{ Max[V] }

	// shouting has a Combine of its own, which goes before that of Sum.
	shouting struct{ Sum[int] }
)

// emitNumbers emits numbers of both signs under few and many keys, short and long ones.
func emitNumbers[K comparable, V Number](n int, emit func(K, V)) error {
	random := rand.New(rand.NewPCG(uint64(n), 5))
	var buffer []byte
	for i := range 500 {
		buffer = fmt.Append(buffer[:0], "key ", random.IntN(1+i), strings.Repeat(".", i%30))
		v := V(random.IntN(100))
		v -= 50
		switch emit := any(emit).(type) {
		case func(string, V):
			emit(Borrowed(buffer), v)
		case func(int, V):
			emit(i%77, v)
		}
	}
	return nil
}

func (sumOf[K, V]) Map(_ context.Context, n int, emit func(K, V)) error { return emitNumbers(n, emit) }
func (minOf[K, V]) Map(_ context.Context, n int, emit func(K, V)) error { return emitNumbers(n, emit) }
func (maxOf[K, V]) Map(_ context.Context, n int, emit func(K, V)) error { return emitNumbers(n, emit) }

func (shouting) Map(_ context.Context, n int, emit func(string, int)) error {
	return emitNumbers(n, func(k string, v int) { emit(strings.Clone(k), v) })
}
func (shouting) Combine(a, b int) int { return max(a, b) }

// readyJobs are the jobs of one type of keys and values.
type readyJobs[K cmp.Ordered, V Number] struct {
	sum *Job[sumOf[K, V], int, K, V]
	min *Job[minOf[K, V], int, K, V]
	max *Job[maxOf[K, V], int, K, V]
}

func newReadyJobs[K cmp.Ordered, V Number]() readyJobs[K, V] {
	return readyJobs[K, V]{NewJob[sumOf[K, V]]("sum"), NewJob[minOf[K, V]]("min"), NewJob[maxOf[K, V]]("max")}
}

var (
	readyInts     = newReadyJobs[string, int]()
	readyInt8s    = newReadyJobs[string, int8]()
	readyUints    = newReadyJobs[string, uint64]()
	readyUint16s  = newReadyJobs[string, uint16]()
	readyFloats   = newReadyJobs[string, float64]()
	readyFloat32s = newReadyJobs[string, float32]()
	readyByNumber = newReadyJobs[int, int]()
	shoutingJob   = NewJob[shouting]("shouting")
)

// A ready combiner does what a Combine with the same operation does, whatever the types are.
func TestJobReadyCombiners(t *testing.T) {
	for _, procs := range []int{1, 3} {
		p := newPool(t, Procs(procs))
		checkReady(t, p, readyInts)
		checkReady(t, p, readyInt8s)
		checkReady(t, p, readyUints)
		checkReady(t, p, readyUint16s)
		checkReady(t, p, readyFloats)
		checkReady(t, p, readyFloat32s)
		checkReady(t, p, readyByNumber)
		checkResults(t, p, shoutingJob, shouting{}, numbers(10))
	}
	for name, fast := range map[string]bool{
		"ints": readyInts.sum.pairs.numbers != nil, "int8s": readyInt8s.min.pairs.numbers != nil,
		"floats": readyFloats.max.pairs.numbers != nil, "own Combine": shoutingJob.pairs.numbers == nil,
		"keys that are numbers": readyByNumber.sum.pairs.numbers == nil,
	} {
		if !fast {
			t.Errorf("%s: the wrong path", name)
		}
	}
}

func checkReady[K cmp.Ordered, V Number](t *testing.T, p *Pool, j readyJobs[K, V]) {
	t.Helper()
	add := func(a, b V) V { return a + b }
	if float := any(*new(V)); float != any(float64(0)) && float != any(float32(0)) {
		checkReadyJob(t, p, j.sum, sumOf[K, V]{}, add)
	} else {
		checkFloatSums(t, p, j.sum)
	}
	checkReadyJob(t, p, j.min, minOf[K, V]{}, func(a, b V) V { return min(a, b) })
	checkReadyJob(t, p, j.max, maxOf[K, V]{}, func(a, b V) V { return max(a, b) })
}

func inOneLoop[K cmp.Ordered, V Number](combine func(a, b V) V) map[K]V {
	want := make(map[K]V)
	for n := range 12 {
		_ = emitNumbers(n, func(k K, v V) {
			if s, ok := any(k).(string); ok {
				k = any(strings.Clone(s)).(K)
			}
			if had, ok := want[k]; ok {
				v = combine(had, v)
			}
			want[k] = v
		})
	}
	return want
}

func checkReadyJob[J Mapper[int, K, V], K cmp.Ordered, V Number](t *testing.T, p *Pool, j *Job[J, int, K, V], job J, combine func(a, b V) V) {
	t.Helper()
	got, err := j.Run(t.Context(), p, job, numbers(12), Chunksize(5))
	if want := inOneLoop[K](combine); err != nil || !maps.Equal(got, want) {
		t.Errorf("%T: %d keys, want %d, or values differ; %v", job, len(got), len(want), err)
	}
}

// Sums of floating-point numbers are no part of the promise that results are equal in each run.
// They are right but for rounding.
func checkFloatSums[K cmp.Ordered, V Number](t *testing.T, p *Pool, j *Job[sumOf[K, V], int, K, V]) {
	t.Helper()
	got, err := j.Run(t.Context(), p, sumOf[K, V]{}, numbers(12))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range inOneLoop[K](func(a, b V) V { return a + b }) {
		if math.Abs(float64(got[k]-want)) > 1e-9 {
			t.Errorf("%v: %v, want %v", k, got[k], want)
		}
	}
}

// A failed piece of a chunk leaves nothing behind in the tables of its worker.
func TestJobSumsAfterFailure(t *testing.T) {
	p := newPool(t, Procs(1))
	for range 3 {
		if _, err := failingSums.Run(t.Context(), p, failingSum{Fails: true}, numbers(4), Chunksize(4)); err == nil {
			t.Error("no error")
		}
		got, err := failingSums.Run(t.Context(), p, failingSum{}, numbers(4), Chunksize(4))
		if err != nil || !maps.Equal(got, map[string]int{"a": 4}) {
			t.Errorf("%v, %v", got, err)
		}
	}
}

type failingSum struct {
	Sum[int]
	Fails bool
}

func (j failingSum) Map(_ context.Context, n int, emit func(string, int)) error {
	emit("a", 1)
	if j.Fails && n == 2 {
		return errInput
	}
	return nil
}

var failingSums = NewJob[failingSum]("failing sum")

// A key in a borrowed buffer is kept by none of the paths.
func TestJobBorrowedKeys(t *testing.T) {
	p := newPool(t, Procs(2))
	want := map[string]int{"a0": 3, "a1": 3, "a2": 3}
	combined, err := borrowCombined.Run(t.Context(), p, borrowCombine{}, numbers(3))
	if err != nil || !maps.Equal(combined, want) {
		t.Errorf("%v, %v", combined, err)
	}
}

type borrowCombine struct{}

func (borrowCombine) Map(_ context.Context, _ int, emit func(string, int)) error {
	buffer := []byte("a0")
	for i := range 3 {
		buffer[1] = '0' + byte(i)
		emit(Borrowed(buffer), 1)
	}
	return nil
}

func (borrowCombine) Combine(a, b int) int { return a + b }

var borrowCombined = NewJob[borrowCombine]("borrow")
