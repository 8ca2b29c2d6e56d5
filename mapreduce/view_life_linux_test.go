package mapreduce

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// checkKeptView fails the test unless a task that uses the view of an earlier one fails.
func checkKeptView(t *testing.T, p *Pool, n int) {
	t.Helper()
	keep, use := viewOf(n), viewOf(1)
	keep.Do, use.Do = "keep", "use what was kept"
	got, err := squareView.Apply(t.Context(), p, keep)
	if err != nil {
		t.Fatal(err)
	}
	got.V.Release()
	if _, err := squareView.Apply(t.Context(), p, use); err == nil || !strings.Contains(err.Error(), "use of a View after its release") {
		t.Errorf("a view of %d numbers is used after its task: %v", n, err)
	}
}

func TestArgumentsViewEndsWithItsTask(t *testing.T) {
	p := newPool(t, Procs(1))
	checkKeptView(t, p, largeView)
	checkKeptView(t, p, 3)
	checkUsable(t, p)
}

// What a task returns may be a part of its argument.
func TestViewOfArgumentReturned(t *testing.T) {
	checkMessagesUnmapped(t)
	p := newPool(t)
	d := viewOf(2 * largeView)
	d.Do = "part"
	got, err := squareView.Map(t.Context(), p, slices.Repeat([]viewDeed{d}, 10), Chunksize(5))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got {
		checkSquares(t, v.V.Slice(), 1, 2*largeView-1)
		v.V.Release()
	}
}

// Views outlive the worker that sent them, whatever its end, and their pool.
func TestViewOutlivesItsPool(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, silent(), Procs(1))
	future := squareView.ApplyAsync(t.Context(), p, viewOf(1<<20))
	first, err := future.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second, err := squareView.Apply(t.Context(), p, viewOf(2*largeView))
	if err != nil || second.PID == first.PID {
		t.Fatalf("from %d, then from %d, %v", first.PID, second.PID, err)
	}
	checkSquares(t, first.V.Slice(), 0, 1<<20)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	checkSquares(t, first.V.Slice(), 0, 1<<20)
	checkSquares(t, second.V.Slice(), 0, 2*largeView)
	if !inMessage(first.V.Slice()) || !inMessage(second.V.Slice()) {
		t.Error("not in place")
	}
	again, err := squareView.Apply(t.Context(), newPool(t), viewDeed{V: second.V}) // from one pool into another
	if err != nil || again.V.Slice()[3] != 81 {
		t.Fatalf("3⁴ is not 81: %v", err)
	}
	for _, v := range []viewed{first, second, again} {
		v.V.Release()
	}
}

// Memory and descriptors do not grow with the number of views that came and went.
func TestViewsAreUsedAgain(t *testing.T) {
	checkMessagesUnmapped(t)
	checkLeaks(t)
	p := newPool(t, Procs(1))
	d := viewOf(10 << 20 / 8)
	var first viewed
	var descriptors, mapped int
	for i := range 200 {
		got, err := squareView.Apply(t.Context(), p, d)
		if err != nil {
			t.Fatal(err)
		}
		if s := got.V.Slice(); s[len(s)-1] != float64((len(s)-1)*(len(s)-1)) {
			t.Fatalf("call %d: wrong result", i)
		}
		got.V.Release()
		switch here := len(openDescriptors()); {
		case i == 5:
			first, descriptors, mapped = got, here, mappedMessages()
		case i > 5 && (got.Descriptors != first.Descriptors || got.Mapped != first.Mapped || here > descriptors || mappedMessages() != mapped):
			t.Fatalf("call %d: the worker has %d descriptors and %d bytes of messages mapped, before %d and %d; the driver %d and %d, before %d and %d",
				i, got.Descriptors, got.Mapped, first.Descriptors, first.Mapped, here, mappedMessages(), descriptors, mapped)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got, err := squareView.Apply(t.Context(), p, d); err != nil {
		t.Fatal(err)
	} else {
		got.V.Release()
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("a result of 10 MB takes %d bytes of the heap", took)
	}
}

func TestForgottenViewsAreReleased(t *testing.T) {
	p := newPool(t, Procs(1))
	d, most := viewOf(8<<20/8), 0
	for range 150 {
		if _, err := squareView.Apply(t.Context(), p, d); err != nil {
			t.Fatal(err)
		}
		most = max(most, mappedMessages())
	}
	if most > 800<<20 {
		t.Errorf("%d MB of forgotten results were mapped at once", most>>20)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, hangTime, func() error {
		runtime.GC()
		if n := mappedMessages(); n > 0 {
			return fmt.Errorf("%d bytes are mapped", n)
		}
		return nil
	})
}
