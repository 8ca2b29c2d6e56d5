package mapreduce

import (
	"runtime"
	"testing"
)

// The driver of a stream holds a window of it, not the whole: its memory use does not grow with the
// number of items.
func TestStreamMemoryIsFlat(t *testing.T) {
	p := newPool(t)
	few, many := streamPeak(t, p, 20_000), streamPeak(t, p, 400_000)
	if many > few+1<<20 {
		t.Errorf("20,000 items took %d bytes at most, 400,000 took %d", few, many)
	}
}

// streamPeak returns the largest memory use, in bytes, while n items pass through.
func streamPeak(t *testing.T, p *Pool, n int) (peak uint64) {
	input := func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
	want := 0
	for got, err := range echo.Imap(t.Context(), p, input, Chunksize(1)) {
		if err != nil || got != want {
			t.Fatalf("item %d: %d, %v", want, got, err)
		}
		if want++; want%(n/10) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	return peak
}
