package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"mrrun/shared"
)

func mustQueue[T any](tb testing.TB, capacity int, opts ...QueueOption) *Queue[T] {
	tb.Helper()
	q, err := NewQueue[T](capacity, opts...)
	mustNot(tb, err)
	tb.Cleanup(func() { mustNot(tb, q.Free()) })
	return q
}

func inTime(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

func TestQueueIsFirstInFirstOut(t *testing.T) {
	q := mustQueue[string](t, 3)
	ctx := inTime(t)
	for _, s := range []string{"a", "", strings.Repeat("c", 100)} {
		mustNot(t, q.Put(ctx, s))
	}
	if ok, err := q.TryPut("d"); ok || err != nil || q.Len() != 3 || q.Cap() != 3 {
		t.Errorf("TryPut into a full queue: %t, %v; %d of %d", ok, err, q.Len(), q.Cap())
	}
	for _, want := range []string{"a", "", strings.Repeat("c", 100)} {
		if s, err := q.Get(ctx); s != want || err != nil {
			t.Errorf("got %q, %v, want %q", s, err, want)
		}
	}
	if s, ok, err := q.TryGet(); ok || err != nil {
		t.Errorf("TryGet from an empty queue: %q, %t, %v", s, ok, err)
	}
}

func TestQueueWaitsUntilContextEnds(t *testing.T) {
	q := mustQueue[int](t, 1)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	var both sync.WaitGroup
	both.Go(func() {
		if _, err := q.Get(ctx); !errors.Is(err, stop) {
			t.Errorf("Get: %v", err)
		}
	})
	cancel(stop)
	both.Wait()
	mustNot(t, q.Put(ctx, 1)) // there is room
	if err := q.Put(ctx, 2); !errors.Is(err, stop) {
		t.Errorf("Put: %v", err)
	}
	if n, err := q.Get(ctx); n != 1 || err != nil {
		t.Errorf("Get of what is there: %d, %v", n, err)
	}
	if err := q.Join(ctx); !errors.Is(err, stop) {
		t.Errorf("Join: %v", err)
	}
}

func TestQueueClose(t *testing.T) {
	q := mustQueue[int](t, 2)
	ctx := inTime(t)
	mustNot(t, q.Put(ctx, 1))
	mustNot(t, q.Put(ctx, 2))
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := q.Put(ctx, 3); !errors.Is(err, ErrClosed) {
			t.Errorf("Put that waits: %v", err)
		}
	})
	mustNot(t, q.Close())
	mustNot(t, q.Close())
	waiting.Wait()
	if err := q.Put(ctx, 4); !errors.Is(err, ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if ok, err := q.TryPut(4); ok || !errors.Is(err, ErrClosed) {
		t.Errorf("TryPut: %t, %v", ok, err)
	}
	var got []int
	for n, err := range q.All(ctx) {
		mustNot(t, err)
		got = append(got, n)
	}
	if len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Errorf("got %v", got)
	}
	if _, err := q.Get(ctx); err != io.EOF {
		t.Errorf("Get: %v", err)
	}
	if _, ok, err := q.TryGet(); ok || err != io.EOF {
		t.Errorf("TryGet: %t, %v", ok, err)
	}
}

func TestQueueCloseWakesConsumers(t *testing.T) {
	q := mustQueue[int](t, 0)
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			if _, err := q.Get(inTime(t)); err != io.EOF {
				t.Errorf("Get: %v", err)
			}
		})
	}
	mustNot(t, q.Close())
	waiting.Wait()
}

func TestQueueFree(t *testing.T) {
	before := descriptors(t)
	q, err := NewQueue[int](0)
	mustNot(t, err)
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			for {
				if _, err := q.Get(inTime(t)); err == io.EOF || errors.Is(err, shared.ErrGone) {
					return
				} else if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
			}
		})
		waiting.Go(func() {
			for {
				if err := q.Put(inTime(t), 1); errors.Is(err, ErrClosed) || errors.Is(err, shared.ErrGone) {
					return
				} else if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
			}
		})
	}
	for q.Len() == 0 {
	}
	mustNot(t, q.Free())
	mustNot(t, q.Free())
	waiting.Wait()
	if err := q.Put(t.Context(), 1); !errors.Is(err, shared.ErrGone) {
		t.Errorf("Put: %v", err)
	}
	if _, err := q.Get(t.Context()); !errors.Is(err, shared.ErrGone) {
		t.Errorf("Get: %v", err)
	}
	if after := descriptors(t); after > before+1 { // the table
		t.Errorf("%d files are open, %d before", after, before)
	}
}

func TestQueueTooLarge(t *testing.T) {
	q := mustQueue[[]byte](t, 0, QueueBytes(4096))
	var size *SizeError
	if err := q.Put(t.Context(), make([]byte, 4096)); !errors.As(err, &size) || size.Limit != 4088 {
		t.Errorf("got %v", err)
	}
	want := seeded(4085, 1) // and 3 bytes for the length
	for range 5 {
		mustNot(t, q.Put(t.Context(), want))
		if got, err := q.Get(t.Context()); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes, %v", len(got), err)
		}
	}
}

func TestQueueTaskDone(t *testing.T) {
	q := mustQueue[int](t, 0)
	ctx := inTime(t)
	mustNot(t, q.Join(ctx))
	for n := range 10 {
		mustNot(t, q.Put(ctx, n))
	}
	if err := q.TaskDone(); !errors.Is(err, ErrTaskDone) {
		t.Errorf("TaskDone of what was not taken: %v", err)
	}
	var worker sync.WaitGroup
	done := 0
	worker.Go(func() {
		for range 10 {
			_, err := q.Get(ctx)
			mustNot(t, err)
			done++
			mustNot(t, q.TaskDone())
		}
	})
	mustNot(t, q.Join(ctx))
	if done != 10 {
		t.Errorf("Join returns after %d of 10", done)
	}
	worker.Wait()
	if err := q.TaskDone(); !errors.Is(err, ErrTaskDone) {
		t.Errorf("TaskDone once more: %v", err)
	}
}

// Every message of any size arrives once, wherever the ring wraps around.
func TestQueueManyGoroutines(t *testing.T) {
	const producers, consumers, each = 4, 3, 2000
	q := mustQueue[[]byte](t, 0, QueueBytes(16<<10))
	ctx := inTime(t)
	var putting, getting sync.WaitGroup
	for p := range producers {
		putting.Go(func() {
			for n := range each {
				mustNot(t, q.Put(ctx, appendMessage(nil, p, n)))
			}
		})
	}
	got := newTally()
	for range consumers {
		getting.Go(func() {
			for b, err := range q.All(ctx) {
				mustNot(t, err)
				got.add(t, b)
			}
		})
	}
	putting.Wait()
	mustNot(t, q.Close())
	getting.Wait()
	for p := range producers {
		if n := len(got.seen[p]); n != each {
			t.Errorf("%d of %d messages of producer %d came", n, each, p)
		}
	}
}

func TestQueueOfOneTypeOnly(t *testing.T) {
	q := mustQueue[int](t, 0)
	e := NewEncoder(nil)
	mustNot(t, e.mp.Encode(q))
	var other Queue[string]
	if err := NewDecoder(e.Bytes()).mp.Decode(&other); err == nil || !strings.Contains(err.Error(), "Queue[int]") {
		t.Errorf("got %v", err)
	}
	var same Queue[int]
	mustNot(t, NewDecoder(e.Bytes()).mp.Decode(&same))
	mustNot(t, q.Put(t.Context(), 7))
	if n, ok, err := same.TryGet(); n != 7 || !ok || err != nil {
		t.Errorf("got %d, %t, %v", n, ok, err)
	}
	if _, err := NewQueue[func()](0); !errors.As(err, new(*TypeError)) {
		t.Errorf("a queue of functions: %v", err)
	}
	for _, n := range []int{-1, 1 << 40} {
		if _, err := NewQueue[int](n); err == nil {
			t.Errorf("a queue of %d messages was made", n)
		}
	}
	if _, err := NewQueue[int](0, QueueBytes(0)); err == nil {
		t.Error("a queue of 0 bytes was made")
	}
}

// Small numbers are not allocated on the heap.
func TestQueueAllocatesNothing(t *testing.T) {
	q := mustQueue[int](t, 0)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if err := q.Put(ctx, 7); err != nil {
			t.Fatal(err)
		}
		if n, err := q.Get(ctx); n != 7 || err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 && !raceDetector {
		t.Errorf("%v allocations", n)
	}
}

func init() {
	helpers["double"] = func(arg *Decoder) {
		var qs []*Queue[int]
		if err := arg.mp.Decode(&qs); err != nil {
			panic(err)
		}
		ready()
		ctx := context.Background()
		for n, err := range qs[0].All(ctx) {
			if err != nil {
				panic(err)
			}
			if err := qs[1].Put(ctx, 2*n); err != nil {
				panic(err)
			}
			if err := qs[0].TaskDone(); err != nil {
				panic(err)
			}
		}
	}
}

func TestQueueBetweenProcesses(t *testing.T) {
	const count = 20000
	in, out := mustQueue[int](t, 100), mustQueue[int](t, 0)
	ctx := inTime(t)
	workers := []*helperProcess{startHelper(t, "double", []*Queue[int]{in, out}), startHelper(t, "double", []*Queue[int]{in, out})}
	var putting sync.WaitGroup
	putting.Go(func() {
		for n := range count {
			mustNot(t, in.Put(ctx, n))
		}
		mustNot(t, in.Join(ctx))
		mustNot(t, in.Close())
	})
	sum := 0
	for range count {
		n, err := out.Get(ctx)
		mustNot(t, err)
		sum += n
	}
	putting.Wait()
	if want := count * (count - 1); sum != want {
		t.Errorf("the sum is %d, want %d", sum, want)
	}
	for _, w := range workers {
		w.end(t)
	}
}

func FuzzQueueHandle(f *testing.F) {
	q := mustQueue[int](f, 0)
	e := NewEncoder(nil)
	mustNot(f, e.mp.Encode(q))
	f.Add(e.Bytes())
	f.Add([]byte{0x96, 1, 2, 3})
	f.Fuzz(func(t *testing.T, handle []byte) {
		var got Queue[int]
		if NewDecoder(handle).mp.Decode(&got) == nil && got.r != nil && got.r.o != q.r.o { // nil leaves it unchanged
			t.Errorf("%x is another queue", handle)
		}
	})
}

// Whatever is in the memory of a queue, Get returns.
func FuzzQueueMemory(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 7}, uint64(2))
	f.Add(bytes.Repeat([]byte{0xff}, 100), uint64(3))
	q := mustQueue[int](f, 0, QueueBytes(4096))
	f.Fuzz(func(t *testing.T, mem []byte, tail uint64) {
		copy(q.r.mem, mem)
		q.r.head.Store(0)
		q.r.seenTail.Store(0)
		q.r.tail.Store(tail)
		for range 10 {
			if _, ok, err := q.TryGet(); !ok && (err == nil || errors.Is(err, ErrFormat)) {
				return
			}
		}
	})
}

func benchmarkQueue[T any](b *testing.B, v T, size int) {
	q := mustQueue[T](b, 0)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var getting sync.WaitGroup
	getting.Go(func() {
		for range q.All(context.Background()) {
		}
	})
	for b.Loop() {
		if err := q.Put(context.Background(), v); err != nil {
			b.Fatal(err)
		}
	}
	q.Close()
	getting.Wait()
}

func BenchmarkQueue(b *testing.B) {
	b.Run("int", func(b *testing.B) { benchmarkQueue(b, 7, 8) })
	b.Run("1KB", func(b *testing.B) { benchmarkQueue(b, make([]byte, 1000), 1000) })
	b.Run("1MB", func(b *testing.B) { benchmarkQueue(b, make([]byte, 1e6), 1e6) })
}
