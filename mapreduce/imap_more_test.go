package mapreduce

import (
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"slices"
	"testing"
)

// A numbered item may have a place where it meets the driver.
type numbered struct {
	N  int
	At place
}

var meetIfAsked = FuncContext(func(ctx context.Context, n numbered) (int, error) {
	if n.At.Addr != "" {
		_, err := meetDriver(ctx, n.At)
		return n.N, err
	}
	return n.N, nil
})

func TestImapUnordered(t *testing.T) {
	p := newPool(t)
	for _, n := range []int{0, 1, 100, 5000} {
		for _, size := range []int{0, 1, 7, 1000} {
			seen := make([]bool, n)
			for item, err := range echo.ImapUnordered(t.Context(), p, slices.Values(numbers(n)), Chunksize(size)) {
				if err != nil || item.Value != item.Index || seen[item.Index] {
					t.Fatalf("%d items, chunk size %d: %+v, %v", n, size, item, err)
				}
				seen[item.Index] = true
			}
			if slices.Contains(seen, false) {
				t.Errorf("%d items, chunk size %d: some are missing", n, size)
			}
		}
	}
}

func TestImapUnorderedFailures(t *testing.T) {
	p := newPool(t)
	failed, good := 0, 0
	for item, err := range failAtThrees.ImapUnordered(t.Context(), p, slices.Values(numbers(300)), Chunksize(10)) {
		if err == nil {
			good++
			continue
		}
		if e, ok := err.(*TaskError); !ok || e.Index != item.Index || e.Input != item.Index || item.Index%3 != 0 {
			t.Errorf("%+v, %v", item, err)
		}
		failed++
	}
	if failed != 100 || good != 200 {
		t.Errorf("%d failed, %d did not", failed, good)
	}
}

// A slow item takes one place of the window, and the other items pass it.
func TestImapUnorderedPassesTheSlow(t *testing.T) {
	p := newPool(t)
	m := newMeeting(t)
	taken := 0
	input := func(yield func(numbered) bool) {
		for n := 0; ; n++ {
			item := numbered{N: n}
			if n == 0 {
				item.At = m.place()
			}
			if taken = n + 1; !yield(item) {
				return
			}
		}
	}
	next, stop := iter.Pull2(meetIfAsked.ImapUnordered(t.Context(), p, input, Chunksize(1)))
	defer stop()
	seen := make(map[int]bool)
	take := func() int {
		item, err, ok := next()
		if !ok || err != nil || item.Value != item.Index || seen[item.Index] {
			t.Fatalf("after %d items: %+v, %v, %v", len(seen), item, err, ok)
		}
		seen[item.Index] = true
		return item.Index
	}
	for range 4 * minWindow {
		if i := take(); i == 0 {
			t.Fatal("item 0 came while it ran")
		}
	}
	m.await().letGo()
	for !seen[0] {
		take()
	}
	for range minWindow {
		take()
	}
	stop()
	if ahead := taken - len(seen); ahead > minWindow+1 {
		t.Errorf("%d items were taken and not yielded", ahead)
	}
	checkUsable(t, p)
}

var errInput = errors.New("the input is broken")

func TestImapSeq2(t *testing.T) {
	p := newPool(t)
	for _, n := range []int{0, 1, 10, 3000} {
		for _, size := range []int{0, 1, 7, 10_000} {
			asked := 0
			input := func(yield func(int, error) bool) {
				for i := range n {
					if !yield(i, nil) {
						return
					}
				}
				asked++
				if yield(-1, errInput) {
					asked++
				}
			}
			got, failed, err := collect(echo.ImapSeq2(t.Context(), p, input, Chunksize(size)))
			if err != errInput || failed != nil || !slices.Equal(got, numbers(n)) || asked != 1 {
				t.Errorf("%d items, chunk size %d: %d results, %v, %v, asked %d times", n, size, len(got), failed, err, asked)
			}
		}
	}
	fine := func(yield func(int, error) bool) { _ = yield(0, nil) && yield(1, nil) }
	if got, _, err := collect(echo.ImapSeq2(t.Context(), p, fine)); err != nil || !slices.Equal(got, numbers(2)) {
		t.Errorf("%v, %v", got, err)
	}
	checkUsable(t, p)
}

func TestHugeChunksize(t *testing.T) {
	p := newPool(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, size := range []int{1 << 30, math.MaxInt} {
		if got, err := echo.Map(t.Context(), p, numbers(1000), Chunksize(size)); err != nil || !slices.Equal(got, numbers(1000)) {
			t.Errorf("Map: %d results, %v", len(got), err)
		}
		got, failed, err := collect(echo.Imap(t.Context(), p, slices.Values(numbers(1000)), Chunksize(size)))
		if err != nil || failed != nil || !slices.Equal(got, numbers(1000)) {
			t.Errorf("Imap: %d results, %v, %v", len(got), failed, err)
		}
		for item, err := range echo.ImapUnordered(t.Context(), p, new(endless).all, Chunksize(size)) {
			if err != nil || item.Value != item.Index {
				t.Errorf("ImapUnordered: %+v, %v", item, err)
			}
			break
		}
	}
	runtime.ReadMemStats(&after)
	if took := int64(after.TotalAlloc - before.TotalAlloc); took > 1<<30 {
		t.Errorf("%d MiB were allocated", took>>20)
	} else {
		t.Logf("%d MiB were allocated", took>>20)
	}
	checkUsable(t, p)
}
