package transport

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// sendValues sends values in one body, after so many bytes, and returns the decoder with the
// values.
func sendValues[T any](tb testing.TB, w *Writer, r *Reader, before int, values ...T) *Decoder {
	tb.Helper()
	codec := codecOf[T](tb)
	_, err := w.Add(5, 0, func(e *Encoder) error {
		_, _ = e.Write(make([]byte, before))
		for i := range values {
			if err := codec.Encode(e, &values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	mustNot(tb, err)
	mustNot(tb, w.Flush())
	f, err := r.Next()
	mustNot(tb, err)
	d := NewDecoder(nil)
	d.ResetFrame(f)
	_, err = d.Read(make([]byte, before))
	mustNot(tb, err)
	return d
}

func take[T any](tb testing.TB, d *Decoder) (v T) {
	tb.Helper()
	mustNot(tb, codecOf[T](tb).Decode(d, &v))
	return v
}

// inBlock reports whether a slice is in the block of a message.
func inBlock[E Number](t *testing.T, s []E) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	mustNot(t, err)
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	for line := range bytes.Lines(maps) {
		var from, to uintptr
		if _, err := fmt.Sscanf(string(line), "%x-%x", &from, &to); err == nil && from <= at && at < to {
			return bytes.Contains(line, []byte("mrrun message"))
		}
	}
	return false
}

// inPlace receives large views of these elements, after any number of bytes.
func inPlace[E Number](t *testing.T) {
	t.Helper()
	t.Run(reflect.TypeFor[E]().String(), func(t *testing.T) {
		w, r, _ := sharedPair(t)
		want := counting[E](bulkSize + 1)
		for before := range 9 {
			d := sendValues(t, w, r, before, NewView(want), NewView(want[1:]))
			for i := range 2 {
				v := take[View[E]](t, d)
				if s := v.Slice(); !inBlock(t, s) || !slices.Equal(s, want[i:]) || cap(s) != len(s) {
					t.Errorf("behind %d bytes: wrong, or not in place", before)
				}
				v.Slice()[0]++ // it may be written
				v.Release()
			}
		}
	})
}

func TestViewsAreTakenInPlace(t *testing.T) {
	inPlace[int8](t)
	inPlace[int16](t)
	inPlace[int32](t)
	inPlace[int64](t)
	inPlace[int](t)
	inPlace[uint8](t)
	inPlace[uint16](t)
	inPlace[uint32](t)
	inPlace[uint64](t)
	inPlace[uint](t)
	inPlace[float32](t)
	inPlace[float64](t)
	inPlace[celsius](t)
	inPlace[small](t)
}

func TestViewsInStructsAreTakenInPlace(t *testing.T) {
	type row struct {
		Name string
		V    View[float64]
		P    *View[int16]
		L    []View[uint8]
	}
	w, r, _ := sharedPair(t)
	ints := NewView(counting[int16](bulkSize))
	want := row{"a", NewView(counting[float64](bulkSize)), &ints, []View[uint8]{NewView(counting[uint8](bulkSize)), NewView([]uint8{1})}}
	got := take[row](t, sendValues(t, w, r, 0, want))
	if !inBlock(t, got.V.Slice()) || !inBlock(t, got.P.Slice()) || !inBlock(t, got.L[0].Slice()) || inBlock(t, got.L[1].Slice()) {
		t.Error("not in place, or what is small is")
	}
	if !slices.Equal(got.V.Slice(), want.V.Slice()) || !slices.Equal(got.P.Slice(), want.P.Slice()) ||
		!slices.Equal(got.L[0].Slice(), want.L[0].Slice()) || got.L[1].Slice()[0] != 1 {
		t.Error("other numbers arrive")
	}
	got.V.Release()
	got.P.Release()
	got.L[0].Release()
}

// A View in a body that an Encoder did not lay out is copied, not read where it is not aligned.
func TestViewThatIsNotAligned(t *testing.T) {
	w, r, _ := sharedPair(t)
	want := counting[float64](bulkSize)
	body := encoded(t, NewView(want)) // aligned for the beginning
	_, err := w.Add(5, 0, func(e *Encoder) error { _, _ = e.Write(append([]byte{0}, body...)); return nil })
	mustNot(t, err)
	mustNot(t, w.Flush())
	f, err := r.Next()
	mustNot(t, err)
	d := NewDecoder(nil)
	d.ResetFrame(f)
	_, _ = d.ReadByte()
	if got := take[View[float64]](t, d).Slice(); inBlock(t, got) || !slices.Equal(got, want) {
		t.Error("wrong, or in place")
	}
}

// A block belongs to the sender again when the last view in it was released.
func TestBlockOfSeveralViews(t *testing.T) {
	w, r, _ := sharedPair(t)
	v, other := NewView(counting[float64](bulkSize)), NewView(slices.Repeat([]float64{-1}, bulkSize))
	mappings := 0
	for round, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {0, 2, 1}} {
		d := sendValues(t, w, r, 0, v, v, v)
		var views []View[float64]
		for range 3 {
			views = append(views, take[View[float64]](t, d))
		}
		for n, i := range order {
			views[i].Release()
			views[i].Release()
			d := sendValues(t, w, r, 0, other, other, other) // would use the same block if it could
			for range 3 {
				take[View[float64]](t, d).Release()
			}
			for _, j := range order[n+1:] {
				if !slices.Equal(views[j].Slice(), v.Slice()) {
					t.Errorf("view %d has changed", j)
				}
			}
		}
		if now := mappedBlocks(t); round == 1 {
			mappings = now
		} else if round > 1 && now != mappings {
			t.Errorf("%d mappings, %d before: blocks are not used again", now, mappings)
		}
	}
}

func firstError(_ int, err error) error { return err }

func TestBlockIsKeptWhileAViewLives(t *testing.T) {
	w, r, _ := sharedPair(t)
	want := counting[float64](bulkSize)
	first := take[View[float64]](t, sendValues(t, w, r, 0, NewView(want)))
	second := NewView(slices.Repeat([]float64{-1}, bulkSize))
	var lastBlocks int
	for i := range 50 {
		take[View[float64]](t, sendValues(t, w, r, 0, second)).Release()
		if now := mappedBlocks(t); i > 2 && now != lastBlocks {
			t.Fatalf("%d mappings after %d messages, %d before", now, i, lastBlocks)
		} else {
			lastBlocks = now
		}
	}
	if !slices.Equal(first.Slice(), want) {
		t.Error("a view has changed while it was in use")
	}
	first.Release()
}

// Views on loan outlive their reader, and are unmapped with the last of them.
func TestViewOutlivesItsReader(t *testing.T) {
	var stream bytes.Buffer
	w, r := NewWriter(&stream), NewReader(&stream, 0)
	closeWriter, closeReader := w.UseShared(time.Minute), r.UseShared(time.Minute)
	want := counting[float64](bulkSize)
	v := take[View[float64]](t, sendValues(t, w, r, 3, NewView(want)))
	closeReader()
	closeWriter()
	if !slices.Equal(v.Slice(), want) || mappedBlocks(t) != 1 {
		t.Errorf("wrong, or not alone: %d mappings", mappedBlocks(t))
	}
	v.Release()
	if mappedBlocks(t) != 0 {
		t.Errorf("%d mappings are left", mappedBlocks(t))
	}
}

// The garbage collector releases a View when nothing refers to it any more, and not before.
func TestForgottenView(t *testing.T) {
	w, r, _ := sharedPair(t)
	want := counting[float64](bulkSize)
	kept := take[View[float64]](t, sendValues(t, w, r, 0, NewView(want)))
	func() { take[View[float64]](t, sendValues(t, w, r, 0, NewView(want))) }()
	mustNot(t, firstError(w.Add(6, 0, nil)))
	mustNot(t, w.Flush())
	if _, err := r.Next(); err != nil { // the reader does not hold it any more
		t.Fatal(err)
	}
	lent := func() int { leased.mu.Lock(); defer leased.mu.Unlock(); return leased.bytes }
	for deadline := time.Now().Add(20 * time.Second); lent() > 8*bulkSize; runtime.Gosched() {
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d bytes are lent", lent())
		}
	}
	if !slices.Equal(kept.Slice(), want) {
		t.Error("a view has changed while it was in use")
	}
	kept.Release()
	if lent() != 0 {
		t.Errorf("%d bytes are lent", lent())
	}
}

// Forgotten views do not pile up until the heap has grown, which it does not.
func TestForgottenViewsDoNotPileUp(t *testing.T) {
	w, r, _ := sharedPair(t)
	const size = 8 << 20
	v, most := NewView(make([]float64, size/8)), 0
	for range 200 {
		take[View[float64]](t, sendValues(t, w, r, 0, v))
		most = max(most, mappedBlocks(t))
	}
	if limit := 2*(minLeased/size) + 20; most > limit {
		t.Errorf("there were %d mappings of blocks of %d MB, not %d", most, size>>20, limit)
	}
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		leased.mu.Lock()
		bytes, limit := leased.bytes, leased.limit
		leased.mu.Unlock()
		if bytes == 0 && limit == minLeased {
			break
		}
		if runtime.GC(); time.Now().After(deadline) {
			t.Fatalf("%d bytes are lent, and the limit is %d", bytes, limit)
		}
	}
}

func TestPacer(t *testing.T) {
	p := pacer{limit: minLeased}
	collections := func(f func()) uint32 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		return after.NumForcedGC - before.NumForcedGC
	}
	if n := collections(func() { p.add(minLeased) }); n != 0 {
		t.Errorf("%d collections for as much as is allowed", n)
	}
	if n := collections(func() { p.add(1) }); n != 1 || p.limit != 2*(minLeased+1) {
		t.Errorf("%d collections for more, limit %d", n, p.limit)
	}
	if n := collections(func() { p.add(minLeased); p.remove(2 * minLeased); p.add(2 * minLeased) }); n != 0 {
		t.Errorf("%d collections for memory that comes and goes", n)
	}
	p.remove(2 * minLeased)
	p.slowDown()
	if p.limit != minLeased || p.bytes != 1 {
		t.Errorf("%d bytes, limit %d", p.bytes, p.limit)
	}
}

// FuzzViewInPlace: what is taken in place from any body equals what is taken without shared memory,
// and nothing is left behind.
func FuzzViewInPlace(f *testing.F) {
	for before := range 9 {
		e := NewEncoder(make([]byte, before))
		v := NewView(make([]uint64, bulkSize/8))
		if err := codecOf[View[uint64]](f).Encode(e, &v); err != nil {
			f.Fatal(err)
		}
		f.Add(e.Bytes()[before:before+viewHeader+7], uint16(before))
	}
	f.Add([]byte{0xc9, 0xff, 0xff, 0xff, 0xff, extView, 7}, uint16(0))
	f.Add([]byte{0xd4, extView, 0}, uint16(9))
	codec := codecOf[View[uint64]](f)
	f.Fuzz(func(t *testing.T, head []byte, more uint16) {
		var stream bytes.Buffer
		w, r := NewWriter(&stream), NewReader(&stream, 0)
		closeWriter, closeReader := w.UseShared(time.Minute), r.UseShared(time.Minute)
		body := append(bytes.Clone(head), seeded(bulkSize+int(more), 0)...)
		_, err := w.Add(0, 0, func(e *Encoder) error { _, err := e.Write(body); return err })
		mustNot(t, err)
		mustNot(t, w.Flush())
		frame, err := r.Next()
		mustNot(t, err)
		here, there := NewDecoder(body), NewDecoder(nil)
		there.ResetFrame(frame)
		var want, got View[uint64]
		wantErr, gotErr := codec.Decode(here, &want), codec.Decode(there, &got)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) || len(here.Rest()) != len(there.Rest()) || !reflect.DeepEqual(want.Slice(), got.Slice()) {
			t.Errorf("in place %v, %v; else %v, %v", got, gotErr, want, wantErr)
		}
		got.Release()
		closeReader()
		closeWriter()
		if n := mappedBlocks(t); n != 0 {
			t.Errorf("%d mappings are left", n)
		}
	})
}
