package transport

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

func TestFloatsKeepTheirBits(t *testing.T) {
	bits := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	arrivesBy(t, bits, math.NaN(), math.Float64frombits(0x7ff8_0000_dead_beef), math.Copysign(0, -1))
	arrivesBy(t, func(a, b []float64) bool { return len(a) == len(b) && bits(a[0], b[0]) && bits(a[1], b[1]) },
		[]float64{math.NaN(), math.Copysign(0, -1)})
}

func numbers[E Number](t *testing.T) {
	t.Helper()
	var all []E
	for i := range 300 {
		all = append(all, E(i%120)*E(i%7)-E(i%2))
	}
	arrives(t, nil, []E{}, all[:1], all[:2], all[:15], all[:16], all[:17], all)
	arrives(t, nil, Slice[E]{}, Slice[E](all))
	arrives(t, struct{ A, B, C Slice[E] }{B: Slice[E]{}, C: all})
}

func TestSlicesOfNumbers(t *testing.T) {
	numbers[int8](t)
	numbers[int16](t)
	numbers[int32](t)
	numbers[int64](t)
	numbers[int](t)
	numbers[uint8](t)
	numbers[uint16](t)
	numbers[uint32](t)
	numbers[uint64](t)
	numbers[uint](t)
	numbers[float32](t)
	numbers[float64](t)
	numbers[celsius](t)
	numbers[small](t)
	arrives(t, nil, temps{}, temps{1.5, -2})
	arrives(t, nil, offsets{}, offsets{math.MinInt32})
	arrives(t, []time.Duration{1, -1})
	arrives(t, map[string]Slice[int16]{"a": {1, 2}, "b": nil, "c": {}})
	arrives(t, []Slice[float32]{nil, {}, {1}})
	arrives(t, struct{ Slice[uint64] }{Slice[uint64]{5}})
}

func TestWireFormOfNumbersAndBigInts(t *testing.T) {
	tests := []struct {
		got  []byte
		want string
	}{
		{encoded(t, []float64{1}), "c7 09 01 09 00 00 00 00 00 00 f0 3f"}, // as in the package comment
		{encoded(t, Slice[float64]{1}), "c7 09 01 09 00 00 00 00 00 00 f0 3f"},
		{encoded(t, []int16{1, -2}), "c7 05 01 02 01 00 fe ff"},
		{encoded(t, []int{-1}), "c7 09 01 04 ff ff ff ff ff ff ff ff"},
		{encoded(t, []uint{1}), "c7 09 01 07 01 00 00 00 00 00 00 00"},
		{encoded(t, []int8{}), "d4 01 01"},
		{encoded(t, []int8(nil)), "c0"},
		{encoded(t, []byte{1, 2}), "c4 02 01 02"},
		{encoded(t, []bool{true}), "91 c3"},
		{encoded(t, *big.NewInt(0)), "d4 02 00"},
		{encoded(t, big.NewInt(-258)), "c7 03 02 01 02 01"},
		{encoded(t, []*big.Int{nil, big.NewInt(7)}), "92 c0 d5 02 00 07"},
		{encoded(t, inner{5, []string{"a"}}), "92 05 91 a1 61"},
		{encoded(t, -3), "fd"},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf("% x", tt.got); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// huge returns a number with so many words.
func huge(words int) *big.Int {
	r := rand.New(rand.NewPCG(1, 2))
	w := make([]big.Word, words)
	for i := range w {
		w[i] = big.Word(r.Uint64())
	}
	w[words-1] |= 1
	return new(big.Int).SetBits(w)
}

func TestBigInts(t *testing.T) {
	same := func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }
	values := []*big.Int{nil, new(big.Int), big.NewInt(1), big.NewInt(-1), big.NewInt(255), big.NewInt(256),
		big.NewInt(math.MaxInt64), big.NewInt(math.MinInt64), new(big.Int).Lsh(big.NewInt(1), 64),
		new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 71)), huge(2), huge(10_000), new(big.Int).Neg(huge(10_000))}
	arrivesBy(t, same, values...)
	arrives(t, values...)
	arrives(t, nil, []*big.Int{}, []*big.Int{nil}, values)
	for _, v := range values[1:] {
		arrivesBy(t, func(a, b big.Int) bool { return a.Cmp(&b) == 0 }, *v)
	}
	// Inside other types numbers travel as decimal text.
	arrivesBy(t, func(a, b struct{ A, B *big.Int }) bool { return same(a.A, b.A) && same(a.B, b.B) },
		struct{ A, B *big.Int }{A: huge(100)}, struct{ A, B *big.Int }{B: big.NewInt(-5)})
	arrivesBy(t, func(a, b []big.Int) bool { return len(a) == len(b) && a[0].Cmp(&b[0]) == 0 }, []big.Int{*huge(3)})
	arrivesBy(t, func(a, b map[string]*big.Int) bool { return same(a["x"], b["x"]) && len(a) == len(b) },
		map[string]*big.Int{"x": huge(2), "y": nil})
}

// A Slice also works under an encoder and a decoder that are not those of this package.
func TestSliceWithPlainMsgpack(t *testing.T) {
	type message struct{ A, B, C Slice[int32] }
	want := message{A: Slice[int32]{1, -2}, C: Slice[int32]{}}
	b, err := msgpack.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := msgpack.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	var s Slice[int32]
	took := allocated(func() { err = msgpack.Unmarshal([]byte{0xc9, 0xff, 0xff, 0xff, 0xfd, 1, 3, 0}, &s) })
	if err == nil || took > 1<<20 {
		t.Errorf("4 GiB declared: got %v and took %d bytes", err, took)
	}
}

func TestSwapped(t *testing.T) {
	in := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	for size, want := range map[int][]byte{
		1: {1, 2, 3, 4, 5, 6, 7, 8}, 2: {2, 1, 4, 3, 6, 5, 8, 7}, 4: {4, 3, 2, 1, 8, 7, 6, 5}, 8: {8, 7, 6, 5, 4, 3, 2, 1},
	} {
		if got := swapped(in, size); !bytes.Equal(got, want) {
			t.Errorf("size %d: got %v, want %v", size, got, want)
		}
	}
}

// The code for big-endian machines, run on any machine: what is stored and what is sent differ,
// what arrives does not.
func TestBigEndianWay(t *testing.T) {
	defer func(was bool) { littleEndian = was }(littleEndian)
	n := new(big.Int).Neg(huge(5))
	want := encoded(t, n)
	one := binary.BigEndian.AppendUint16(nil, 1) // as this machine stores it, the other way round
	if !littleEndian {
		one = binary.LittleEndian.AppendUint16(nil, 1)
	}
	littleEndian = false
	if got := encoded(t, n); !bytes.Equal(got, want) {
		t.Errorf("big.Int: got % x, want % x", got, want)
	}
	arrives(t, n, huge(1), new(big.Int))
	arrives(t, []int32{1, -2, 1 << 20}, nil)
	if got := encoded(t, []int16{1}); !bytes.Equal(got, append([]byte{0xc7, 3, 1, 2}, one...)) {
		t.Errorf("int16: got % x", got)
	}
}
