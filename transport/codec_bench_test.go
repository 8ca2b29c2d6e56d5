package transport

import (
	"testing"
)

func TestKindsOnTheShortWayDoNotAllocate(t *testing.T) {
	e, d := NewEncoder(make([]byte, 0, 100)), NewDecoder(nil)
	ints, floats, strs := codecOf[int](t), codecOf[celsius](t), codecOf[string](t)
	n, f, s := 1<<40, celsius(1.5), "short string"
	if got := testing.AllocsPerRun(100, func() {
		e.Truncate(0)
		_, _, _ = ints.Encode(e, &n), floats.Encode(e, &f), strs.Encode(e, &s)
		d.Reset(e.Bytes())
		_, _ = ints.Decode(d, &n), floats.Decode(d, &f)
	}); got != 0 {
		t.Errorf("got %v allocations", got)
	}
	if n != 1<<40 || f != 1.5 {
		t.Errorf("got %d and %v", n, f)
	}
}

// Random types: values of a type that CheckType allows must arrive equal.

func benchmark[T any](b *testing.B, v T) {
	c := codecOf[T](b)
	body := encoded(b, v)
	b.Run("encode", func(b *testing.B) {
		e := NewEncoder(make([]byte, 0, len(body)))
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			e.Truncate(0)
			if err := c.Encode(e, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		d := NewDecoder(nil)
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		var got, zero T
		for b.Loop() {
			d.Reset(body)
			got = zero
			if err := c.Decode(d, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkInt(b *testing.B) { benchmark(b, 1<<40) }

func BenchmarkStruct(b *testing.B) {
	benchmark(b, struct {
		ID    int
		Name  string
		Score float64
		Done  bool
	}{12345, "some name", 0.5, true})
}

func BenchmarkFloats(b *testing.B) { benchmark(b, make([]float64, 1024)) }

func BenchmarkBigInt(b *testing.B) { benchmark(b, huge(2300)) }
