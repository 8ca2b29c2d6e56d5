package transport

import (
	"bytes"
	"math"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// The library is the model: it writes the same bytes, and each reads what the other has written.
func TestScalarsAsTheLibraryWritesThem(t *testing.T) {
	edges := []int64{0, 1, 31, 32, 33, 126, 127, 128, 129, 254, 255, 256, 32767, 32768, 32769, 65535, 65536, 65537,
		math.MaxInt32 - 1, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64}
	for _, edge := range edges {
		for _, n := range []int64{edge, -edge, -edge - 1} {
			checkScalar(t, n, func(m *msgpack.Encoder) error { return m.EncodeInt(n) })
		}
		checkScalar(t, uint64(edge), func(m *msgpack.Encoder) error { return m.EncodeUint(uint64(edge)) })
	}
	checkScalar(t, uint64(math.MaxUint64), func(m *msgpack.Encoder) error { return m.EncodeUint(math.MaxUint64) })
	for _, x := range []float64{0, math.Copysign(0, -1), 1.5, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1)} {
		checkScalar(t, x, func(m *msgpack.Encoder) error { return m.EncodeFloat64(x) })
	}
}

func checkScalar[T comparable](t *testing.T, v T, library func(*msgpack.Encoder) error) {
	t.Helper()
	var want bytes.Buffer
	m := msgpack.NewEncoder(&want)
	m.UseCompactInts(true)
	if err := library(m); err != nil {
		t.Fatal(err)
	}
	codec, err := NewCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	e := NewEncoder(nil)
	if err := codec.Encode(e, &v); err != nil || !bytes.Equal(e.Bytes(), want.Bytes()) {
		t.Fatalf("%T %v: encoded as % x, error %v; the library writes % x", v, v, e.Bytes(), err, want.Bytes())
	}
	var back T
	d := NewDecoder(want.Bytes())
	if err := codec.Decode(d, &back); err != nil || back != v || len(d.Rest()) != 0 {
		t.Fatalf("%T %v: decoded as %v with %d bytes left, error %v", v, v, back, len(d.Rest()), err)
	}
	for cut := range want.Len() {
		if err := codec.Decode(NewDecoder(want.Bytes()[:cut]), &back); err == nil {
			t.Fatalf("%T %v: its first %d bytes of %d were taken as %v", v, v, cut, want.Len(), back)
		}
	}
}

// Other writers may choose wider codes than necessary.
func TestScalarsOfOtherWriters(t *testing.T) {
	ints, err := NewCodec[int]()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{{0xd0, 7}, {0xd1, 0, 7}, {0xd2, 0, 0, 0, 7}, {0xd3, 0, 0, 0, 0, 0, 0, 0, 7}, {0xcf, 0, 0, 0, 0, 0, 0, 0, 7}} {
		var n int
		if err := ints.Decode(NewDecoder(body), &n); err != nil || n != 7 {
			t.Errorf("% x: %d, %v; want 7", body, n, err)
		}
	}
}
