package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

type (
	celsius float64
	flag    bool
	small   int8
	count   uint16
	label   string
	names   []string
	temps   []celsius
	offsets []int32
	rawText []byte
	level   uint8
	levels  []level
	scores  map[label]celsius

	inner struct {
		ID   int
		Tags []string
	}
	Outer struct{ Name string }
	whole struct {
		Outer
		inner
		N      int8
		U      uint64
		F      float32
		S      label
		B      []byte
		L      []celsius
		Fast   Slice[float64]
		M      map[string][]int
		P      *inner
		A      [3]uint16
		Digest [20]byte
		D      time.Duration
		None   struct{}
		Big    *big.Int
		hidden int `msgpack:"-"`
	}
	gridKey struct {
		X, Y  int
		Layer [2]byte
	}
)

// point encodes itself by methods on the value, span by methods on the pointer, tag by text.
type point struct{ x, y int }

func (p point) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(p.x, p.y) }
func (p *point) DecodeMsgpack(d *msgpack.Decoder) error {
	return d.DecodeMulti(&p.x, &p.y)
}

type span struct{ from, to byte }

func (s *span) MarshalBinary() ([]byte, error) { return []byte{s.from, s.to}, nil }
func (s *span) UnmarshalBinary(b []byte) error {
	if len(b) != 2 {
		return fmt.Errorf("span of %d bytes", len(b))
	}
	s.from, s.to = b[0], b[1]
	return nil
}

type tag struct{ s string }

func (t tag) MarshalText() ([]byte, error) { return []byte("<" + t.s + ">"), nil }
func (t *tag) UnmarshalText(b []byte) error {
	t.s = strings.Trim(string(b), "<>")
	return nil
}

type pair[A any] struct{ a, b A }

func (p pair[A]) EncodeMsgpack(e *msgpack.Encoder) error  { return e.EncodeMulti(p.a, p.b) }
func (p *pair[A]) DecodeMsgpack(d *msgpack.Decoder) error { return d.DecodeMulti(&p.a, &p.b) }

type packed struct{ n int }

func (p packed) MarshalMsgpack() ([]byte, error)  { return msgpack.Marshal(p.n) }
func (p *packed) UnmarshalMsgpack(b []byte) error { return msgpack.Unmarshal(b, &p.n) }

func codecOf[T any](t testing.TB) *Codec[T] {
	t.Helper()
	c, err := NewCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arrives sends the values behind one another and wants each to arrive equal, with nothing left of the body.
func arrives[T any](t *testing.T, values ...T) {
	t.Helper()
	arrivesBy(t, func(a, b T) bool { return reflect.DeepEqual(a, b) }, values...)
}

func arrivesBy[T any](t *testing.T, equal func(a, b T) bool, values ...T) {
	t.Helper()
	t.Run(fmt.Sprintf("%v", reflect.TypeFor[T]()), func(t *testing.T) {
		t.Helper()
		c := codecOf[T](t)
		e := NewEncoder([]byte("before"))
		for _, v := range values {
			if err := c.Encode(e, &v); err != nil {
				t.Fatalf("encode %+v: %v", v, err)
			}
		}
		body, ok := bytes.CutPrefix(e.Bytes(), []byte("before"))
		if !ok {
			t.Fatal("the buffer lost what it held")
		}
		d := NewDecoder(body)
		for _, want := range values {
			var got T
			if err := c.Decode(d, &got); err != nil {
				t.Fatalf("decode %+v: %v", want, err)
			}
			if !equal(got, want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		}
		if len(d.Rest()) != 0 {
			t.Errorf("%d bytes left of %d", len(d.Rest()), len(body))
		}
	})
}

func TestEveryKindArrivesEqual(t *testing.T) {
	arrives(t, true, false)
	arrives(t, 0, 1, -1, 127, 128, -32, -33, -128, -129, 1<<15, 1<<31, math.MaxInt, math.MinInt)
	arrives[int8](t, 0, math.MaxInt8, math.MinInt8)
	arrives[int16](t, 0, math.MaxInt16, math.MinInt16)
	arrives[int32](t, 0, math.MaxInt32, math.MinInt32)
	arrives[int64](t, 0, math.MaxInt64, math.MinInt64)
	arrives[uint](t, 0, 127, 128, 255, 256, math.MaxUint)
	arrives[uint8](t, 0, 127, 128, 255)
	arrives[uint16](t, 0, math.MaxUint16)
	arrives[uint32](t, 0, math.MaxUint32)
	arrives[uint64](t, 0, math.MaxUint64)
	arrives[float32](t, 0, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(-1)))
	arrives(t, 0, -1.5, math.Pi, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1))
	arrives(t, "", "hi", strings.Repeat("x", 31), strings.Repeat("y", 32), strings.Repeat("z", 255),
		strings.Repeat("a", 256), strings.Repeat("b", 1<<16), "not \xff\xfe UTF-8", "zero \x00 byte")
	arrives(t, time.Duration(0), -time.Hour, time.Duration(math.MaxInt64))

	arrives[celsius](t, -273.15, 0)
	arrives[flag](t, true)
	arrives[small](t, -128)
	arrives[count](t, 65535)
	arrives[label](t, "", "named")
	arrives[level](t, 200)
}

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

func encoded[T any](t testing.TB, v T) []byte {
	t.Helper()
	e := NewEncoder(nil)
	if err := codecOf[T](t).Encode(e, &v); err != nil {
		t.Fatal(err)
	}
	return e.Bytes()
}

func TestNilAndEmptyStayApart(t *testing.T) {
	arrives(t, nil, []byte{}, []byte{0})
	arrives(t, nil, rawText{}, rawText("x"))
	arrives(t, nil, levels{}, levels{3})
	arrives(t, nil, []string{}, []string{""})
	arrives(t, nil, names{}, names{"a", "b"})
	arrives(t, nil, []bool{}, []bool{true})
	arrives(t, nil, [][]byte{}, [][]byte{nil, {}, {1}})
	arrives(t, nil, [][]string{}, [][]string{nil, {}, {"x"}})
	arrives(t, nil, []map[string]int{}, []map[string]int{nil, {}, {"x": 1}})
	arrives(t, nil, map[string]string{}, map[string]string{"": ""})
	arrives(t, nil, map[string]bool{}, map[string]bool{"a": true})
	arrives(t, nil, map[int][]int{}, map[int][]int{1: nil, 2: {}, 3: {3}})
	arrives(t, nil, scores{}, scores{"oven": 200})
	arrives(t, nil, new(int))
	arrives(t, []*string{nil, new(string)})
	arrives(t, struct {
		A, B []int
		C, D map[string]int
		E, F *int
		G, H []byte
		I, J []string
	}{B: []int{}, D: map[string]int{}, F: new(int), H: []byte{}, J: []string{}})
}

func TestCompoundTypes(t *testing.T) {
	arrives(t, whole{}, whole{
		Outer: Outer{"o"}, inner: inner{7, []string{}},
		N: -1, U: math.MaxUint64, F: 1.5, S: "s", B: []byte{}, L: []celsius{1}, Fast: Slice[float64]{math.Pi},
		M: map[string][]int{"a": {1}, "b": nil}, P: &inner{ID: 3}, A: [3]uint16{1, 2, 3}, Digest: [20]byte{19: 1},
		D: time.Minute, Big: big.NewInt(-5),
	})
	arrives(t, [3]int{1, 2, 3})
	arrives(t, [0]int{})
	arrives(t, [2][]string{nil, {}})
	arrives(t, [4]byte{1, 2, 3, 4})
	arrives(t, [2]level{1, 2})
	arrives(t, map[[4]byte]int{{127, 0, 0, 1}: 5})
	arrives(t, map[gridKey][2]string{{1, 2, [2]byte{3, 4}}: {"a", ""}})
	arrives(t, map[string][32]byte{"a": {1}, "b": {31: 1}})
	arrives(t, map[celsius]map[level][]inner{1.5: {2: nil}, -1: {3: {{ID: 1}}}})
	arrives(t, []*inner{nil, {}, {ID: 1, Tags: []string{"x"}}})
	arrives(t, nil, &inner{ID: 9})
	arrives(t, nil, &[2]int{1, 2})
	arrives(t, struct{}{})
	arrives(t, []struct{}{{}, {}})
	arrives(t, map[string]struct{}{"set": {}})
	arrives(t, struct {
		A int `msgpack:"b,omitempty"`
		B int `msgpack:",alias:c"`
	}{0, 1})
	arrives(t, struct { // an embedded struct that shares a field name is not inlined by the library
		ID int
		inner
	}{1, inner{ID: 2}})
}

func TestFieldsLeftOutStayZero(t *testing.T) {
	v := whole{Outer: Outer{"n"}}.with(5)
	var got whole
	if err := codecOf[whole](t).Decode(NewDecoder(encoded(t, v)), &got); err != nil {
		t.Fatal(err)
	}
	if got.hidden != 0 || got.Name != "n" {
		t.Errorf("got %+v", got)
	}
}

func (w whole) with(hidden int) whole { w.hidden = hidden; return w }

func TestTypesThatEncodeThemselves(t *testing.T) {
	arrives(t, point{}, point{1, -2})
	arrives(t, nil, &point{3, 4})
	arrives(t, []point{{1, 2}, {3, 4}})
	arrives(t, map[string]point{"a": {1, 2}}) // by value: its method can be called on a map entry
	arrives(t, map[point]int{{1, 2}: 3})
	arrives(t, span{1, 2})
	arrives(t, nil, &span{1, 2})
	arrives(t, []span{{1, 2}})
	arrives(t, map[int]*span{1: {1, 2}, 2: nil})
	arrives(t, tag{}, tag{"x"})
	arrives(t, map[tag]tag{{"k"}: {"v"}})
	arrives(t, packed{-1}, packed{1 << 40})
	arrives(t, []*packed{nil, {5}})
	arrives(t, pair[int]{1, 2})
	arrives(t, pair[string]{"a", ""})
	arrives(t, struct {
		P  point
		Q  *point
		S  span
		T  []tag
		K  *packed
		Pa pair[float64]
	}{P: point{1, 2}, S: span{3, 4}, T: []tag{{"a"}}, K: &packed{7}, Pa: pair[float64]{1, 2}})
	arrives(t, netip.MustParseAddr("10.0.0.1"), netip.Addr{})
	arrives(t, map[netip.Addr]int{netip.MustParseAddr("::1"): 1})
	arrives(t, &url.URL{Scheme: "https", Host: "example.org", Path: "/a"})
}

// The library picks the methods of *T or of T by which of them it has met first. Whichever it is, they must agree.
func TestOrderOfFirstUseDoesNotMatter(t *testing.T) {
	type a struct{ X span }  // T first
	type b struct{ X *span } // *T second
	arrives(t, a{span{1, 2}})
	arrives(t, b{&span{3, 4}})
	arrives(t, b{})
}

func TestTimeArrivesAsTheSameInstant(t *testing.T) {
	zone := time.FixedZone("somewhere", 5*3600+1800)
	instants := []time.Time{
		{}, time.Unix(0, 0), time.Unix(-1, 1), time.Unix(1<<34-1, 999_999_999), time.Unix(1<<34, 0), time.Unix(1<<40, 5),
		time.Date(2024, 2, 29, 23, 59, 59, 123456789, zone), time.Date(-500, 1, 1, 0, 0, 0, 0, time.UTC), time.Now(),
	}
	arrivesBy(t, time.Time.Equal, instants...)
	for _, want := range instants {
		for _, in := range []map[string]*time.Time{{"a": &want}} {
			arrivesBy(t, func(a, b map[string]*time.Time) bool { return a["a"].Equal(*b["a"]) }, in)
		}
	}
	arrivesBy(t, func(a, b map[string]time.Time) bool { return a["x"].Equal(b["x"]) }, map[string]time.Time{"x": instants[6]})
	arrivesBy(t, func(a, b *time.Time) bool { return a == b || a.Equal(*b) }, nil, &instants[6])
	arrivesBy(t, func(a, b struct{ time.Time }) bool { return a.Equal(b.Time) }, struct{ time.Time }{instants[6]})
}

// huge returns a number of the given count of words.
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
	// Inside other types they go by their decimal text.
	arrivesBy(t, func(a, b struct{ A, B *big.Int }) bool { return same(a.A, b.A) && same(a.B, b.B) },
		struct{ A, B *big.Int }{A: huge(100)}, struct{ A, B *big.Int }{B: big.NewInt(-5)})
	arrivesBy(t, func(a, b []big.Int) bool { return len(a) == len(b) && a[0].Cmp(&b[0]) == 0 }, []big.Int{*huge(3)})
	arrivesBy(t, func(a, b map[string]*big.Int) bool { return same(a["x"], b["x"]) && len(a) == len(b) },
		map[string]*big.Int{"x": huge(2), "y": nil})
}

// A number that arrived is an ordinary one: it shares no memory with the body, which is reused.
func TestDecodedValuesDoNotAliasTheBody(t *testing.T) {
	body := encoded(t, []*big.Int{huge(5)})
	var bigs []*big.Int
	if err := codecOf[[]*big.Int](t).Decode(NewDecoder(body), &bigs); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if bigs[0].Cmp(huge(5)) != 0 {
		t.Error("big.Int changed with the body")
	}
	type all struct {
		B []byte
		S string
		F Slice[int32]
	}
	want := all{[]byte("bytes"), "string", Slice[int32]{1, 2}}
	body = encoded(t, want)
	var got all
	if err := codecOf[all](t).Decode(NewDecoder(body), &got); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	body = encoded(t, []byte("bytes"))
	var b []byte
	if err := codecOf[[]byte](t).Decode(NewDecoder(body), &b); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if string(b) != "bytes" {
		t.Errorf("got %q", b)
	}
}

func TestDecodeRefusesBodyOfAnotherType(t *testing.T) {
	tests := []struct {
		name   string
		decode func(body []byte) error
		body   []byte
	}{
		{"empty body as int", decodeAs[int](t), nil},
		{"empty body as struct", decodeAs[inner](t), nil},
		{"string as int", decodeAs[int](t), encoded(t, "x")},
		{"int as string", decodeAs[string](t), encoded(t, 5)},
		{"float64s as float32s", decodeAs[[]float32](t), encoded(t, []float64{1})},
		{"int32s as uint32s", decodeAs[[]uint32](t), encoded(t, []int32{1})},
		{"numbers as big.Int", decodeAs[big.Int](t), encoded(t, []int32{1})},
		{"big.Int as numbers", decodeAs[[]int8](t), encoded(t, big.NewInt(1))},
		{"big.Int as Slice", decodeAs[Slice[int8]](t), encoded(t, big.NewInt(1))},
		{"array as numbers", decodeAs[[]int](t), []byte{0x91, 1}},
		{"half an element", decodeAs[[]int16](t), []byte{0xd5, 1, 2, 0}},
		{"no kind of element", decodeAs[[]int16](t), []byte{0xc7, 0, 1}},
		{"sign of 2", decodeAs[big.Int](t), []byte{0xd5, 2, 2, 1}},
		{"no sign", decodeAs[*big.Int](t), []byte{0xc7, 0, 2}},
		{"big.Ints without bodies", decodeAs[[]*big.Int](t), []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0}},
		{"struct of fewer fields", decodeAs[inner](t), []byte{0x91, 1}},
		{"long array", decodeAs[[2]int](t), []byte{0x93, 1, 2, 3}},
		{"map in an extension", decodeAs[map[string]int](t), []byte{0xc7, 6, 5, 0xdf, 0xff, 0xff, 0xff, 0xff, 0}},
		{"declared string", decodeAs[string](t), []byte{0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}},
		{"declared slice", decodeAs[[]string](t), []byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0xa0}},
		{"declared map", decodeAs[map[int]int](t), []byte{0xdf, 0x7f, 0xff, 0xff, 0xff, 1, 1}},
		{"span of 3 bytes", decodeAs[span](t), []byte{0xc4, 3, 1, 2, 3}},
		{"code that is none", decodeAs[bool](t), []byte{0xc1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			if took := allocated(func() { err = tt.decode(tt.body) }); took > 1<<20 {
				t.Errorf("took %d bytes", took)
			}
			if err == nil {
				t.Error("no error")
			}
		})
	}
}

func decodeAs[T any](t testing.TB) func(body []byte) error {
	t.Helper()
	c := codecOf[T](t)
	return func(body []byte) error {
		var v T
		return c.Decode(NewDecoder(body), &v)
	}
}

// A short body ends with io.ErrUnexpectedEOF or io.EOF, not with a half value taken for a whole one.
func TestDecodeOfEveryPrefixFails(t *testing.T) {
	v := whole{Outer: Outer{"n"}}.with(0)
	v.M, v.Fast, v.Big = map[string][]int{"a": {1, 2, 300}}, Slice[float64]{1}, huge(2)
	prefixesFail(t, v)
	prefixesFail(t, []float64{1, 2})
	prefixesFail(t, huge(3))
	prefixesFail(t, []*big.Int{big.NewInt(1), nil, huge(2)})
	prefixesFail(t, strings.Repeat("s", 300))
	prefixesFail(t, 1<<40)
}

func prefixesFail[T any](t *testing.T, v T) {
	t.Helper()
	body, decode := encoded(t, v), decodeAs[T](t)
	for n := range body {
		if decode(body[:n]) == nil {
			t.Errorf("%T: decoded from %d of %d bytes", v, n, len(body))
		}
	}
}

type moody struct{ Mood string }

func (m moody) MarshalText() ([]byte, error) {
	switch m.Mood {
	case "error":
		return nil, errors.New("not today")
	case "panic":
		panic("not at all")
	}
	return []byte(m.Mood), nil
}

func (m *moody) UnmarshalText(b []byte) error {
	if string(b) == "sender only" {
		panic("not here")
	}
	m.Mood = string(b)
	return nil
}

func TestErrorsAndPanicsOfUserMethods(t *testing.T) {
	c := codecOf[[]moody](t)
	e := NewEncoder(nil)
	for mood, says := range map[string]string{"error": "not today", "panic": "panic: not at all"} {
		if err := c.Encode(e, &[]moody{{"fine"}, {mood}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("encode: got %v, want %q", err, says)
		}
		e.Truncate(0)
	}
	if err := c.Encode(e, &[]moody{{"fine"}, {"sender only"}}); err != nil {
		t.Fatal(err)
	}
	var v []moody
	d := NewDecoder(e.Bytes())
	if err := c.Decode(d, &v); err == nil || !strings.Contains(err.Error(), "panic: not here") {
		t.Errorf("decode: got %v", err)
	}
	// Both go on with the next value.
	e.Truncate(0)
	if err := c.Encode(e, &[]moody{{"fine"}}); err != nil {
		t.Fatal(err)
	}
	v = nil
	d.Reset(e.Bytes())
	if err := c.Decode(d, &v); err != nil || v[0].Mood != "fine" {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestEncoderAndDecoderOfPlainParts(t *testing.T) {
	e := NewEncoder(nil)
	e.Uint(math.MaxUint64)
	e.String("text")
	e.Blob([]byte{1, 2})
	e.Blob(nil)
	e.Blob([]byte{})
	if _, err := e.Write([]byte{0xaa}); err != nil {
		t.Fatal(err)
	}
	if err := e.WriteByte(0xbb); err != nil {
		t.Fatal(err)
	}
	if e.Len() != len(e.Bytes()) {
		t.Errorf("length %d of %d bytes", e.Len(), len(e.Bytes()))
	}
	d := NewDecoder(e.Bytes())
	if n, err := d.Uint(); n != math.MaxUint64 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if s, err := d.String(); s != "text" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	for _, want := range [][]byte{{1, 2}, nil, {}} {
		if b, err := d.Blob(); !reflect.DeepEqual(b, want) || err != nil {
			t.Errorf("got %#v, %v, want %#v", b, err, want)
		}
	}
	if !bytes.Equal(d.Rest(), []byte{0xaa, 0xbb}) {
		t.Errorf("rest % x", d.Rest())
	}
	if c, err := d.ReadByte(); c != 0xaa || err != nil {
		t.Errorf("got %#x, %v", c, err)
	}
	if err := d.UnreadByte(); err != nil {
		t.Error(err)
	}
	if all, err := io.ReadAll(d); !bytes.Equal(all, []byte{0xaa, 0xbb}) || err != nil {
		t.Errorf("got % x, %v", all, err)
	}
	if _, err := d.ReadByte(); err != io.EOF {
		t.Errorf("at the end: got %v", err)
	}
	d.Reset(nil)
	if err := d.UnreadByte(); err == nil {
		t.Error("a byte was given back before one was taken")
	}
	for name, take := range map[string]func() error{
		"Uint":   func() error { _, err := d.Uint(); return err },
		"String": func() error { _, err := d.String(); return err },
		"Blob":   func() error { _, err := d.Blob(); return err },
	} {
		if take() == nil {
			t.Errorf("%s of an empty body: no error", name)
		}
	}
	d.Reset([]byte{0xc6, 0xff, 0xff, 0xff, 0xff, 1})
	if _, err := d.Blob(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("blob of 4 GiB in 6 bytes: got %v", err)
	}
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

// The way of big-endian machines, walked on any: what is stored and what is sent differ, what arrives does not.
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

func TestCodecIsSafeForConcurrentUse(t *testing.T) {
	c := codecOf[map[string][]inner](t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			e, d := NewEncoder(nil), NewDecoder(nil)
			for i := range 100 {
				want := map[string][]inner{fmt.Sprint(g): {{ID: i}}}
				e.Truncate(0)
				if err := c.Encode(e, &want); err != nil {
					t.Error(err)
					return
				}
				d.Reset(e.Bytes())
				var got map[string][]inner
				if err := c.Decode(d, &got); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %v, %v, want %v", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

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

// Random types: whatever CheckType lets through must arrive equal.

var scalars = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
	reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](),
	reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](),
	reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[time.Duration](), reflect.TypeFor[celsius](),
	reflect.TypeFor[label](), reflect.TypeFor[level](), reflect.TypeFor[flag](),
}

var special = []reflect.Type{
	reflect.TypeFor[Slice[float64]](), reflect.TypeFor[Slice[celsius]](), reflect.TypeFor[Slice[uint16]](),
	reflect.TypeFor[names](), reflect.TypeFor[temps](), reflect.TypeFor[rawText](), reflect.TypeFor[levels](),
	reflect.TypeFor[scores](), reflect.TypeFor[inner](), reflect.TypeFor[Outer](), reflect.TypeFor[struct{}](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[map[string]string](), reflect.TypeFor[map[string]bool](),
	reflect.TypeFor[point](), reflect.TypeFor[span](), reflect.TypeFor[tag](), reflect.TypeFor[packed](),
	reflect.TypeFor[pair[int]](), reflect.TypeFor[gridKey](), reflect.TypeFor[loudText](), reflect.TypeFor[Slice[uint8]](),
	reflect.TypeFor[View[float64]](),
}

// loudText is a slice with methods of its own, which can be nil.
type loudText []byte

func (l loudText) MarshalBinary() ([]byte, error) {
	if l == nil {
		return []byte{}, nil
	}
	return append([]byte("!"), l...), nil
}

func (l *loudText) UnmarshalBinary(b []byte) error {
	if len(b) > 0 {
		*l = append(loudText{}, b[1:]...)
	}
	return nil
}

func drawType(t *rapid.T, depth int) reflect.Type {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		kind %= 2
	}
	switch kind {
	case 0:
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	case 1:
		return rapid.SampledFrom(special).Draw(t, "special")
	case 2, 3:
		return reflect.SliceOf(drawType(t, depth-1))
	case 4:
		return reflect.ArrayOf(rapid.IntRange(0, 3).Draw(t, "len"), drawType(t, depth-1))
	case 5, 6:
		key := drawType(t, depth-1)
		if !key.Comparable() {
			key = rapid.SampledFrom(scalars).Draw(t, "key")
		}
		return reflect.MapOf(key, drawType(t, depth-1))
	case 7:
		return reflect.PointerTo(drawType(t, depth-1))
	default:
		fields := make([]reflect.StructField, rapid.IntRange(0, 4).Draw(t, "fields"))
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: drawType(t, depth-1)}
			tags := []string{"", `msgpack:",omitempty"`, fmt.Sprintf(`msgpack:"x%d"`, i)}
			fields[i].Tag = reflect.StructTag(rapid.SampledFrom(tags).Draw(t, "tag"))
		}
		if len(fields) > 0 && rapid.Bool().Draw(t, "embeds") { // StructOf embeds only what has no methods
			fields[0] = reflect.StructField{Name: "Outer", Type: reflect.TypeFor[Outer](), Anonymous: true}
		}
		return reflect.StructOf(fields)
	}
}

func drawValue(t *rapid.T, v reflect.Value) {
	fill := func(n int, set func(i int)) {
		for i := range n {
			set(i)
		}
	}
	size := func() int { return rapid.SampledFrom([]int{-1, 0, 1, 2, 3, 17}).Draw(t, "size") }
	switch p := v.Addr().Interface().(type) {
	case *point:
		*p = point{rapid.Int().Draw(t, "x"), rapid.Int().Draw(t, "y")}
		return
	case *span:
		*p = span{rapid.Byte().Draw(t, "from"), rapid.Byte().Draw(t, "to")}
		return
	case *tag:
		*p = tag{rapid.StringMatching("[a-z]*").Draw(t, "tag")}
		return
	case *packed:
		*p = packed{rapid.Int().Draw(t, "packed")}
		return
	case *pair[int]:
		*p = pair[int]{1, rapid.Int().Draw(t, "b")}
		return
	case *View[float64]:
		*p = NewView(rapid.SampledFrom([][]float64{nil, {}, {1}, make([]float64, bulkSize)}).Draw(t, "view"))
		return
	case *loudText:
		*p = rapid.SampledFrom([]loudText{nil, {}, loudText("a"), loudText("bc")}).Draw(t, "loud")
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(t, "float32")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float64"))
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "a", "\xff", strings.Repeat("long", 10)}).Draw(t, "string"))
	case reflect.Slice:
		if n := size(); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			fill(n, func(i int) { drawValue(t, v.Index(i)) })
		}
	case reflect.Array:
		fill(v.Len(), func(i int) { drawValue(t, v.Index(i)) })
	case reflect.Map:
		if n := size(); n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			fill(n, func(int) {
				key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				drawValue(t, key)
				drawValue(t, elem)
				v.SetMapIndex(key, elem)
			})
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			drawValue(t, v.Elem())
		}
	case reflect.Struct:
		fill(v.NumField(), func(i int) { drawValue(t, v.Field(i)) })
	default:
		t.Fatalf("no value of %v", v.Type())
	}
}

func TestAcceptedRandomTypesArriveEqual(t *testing.T) {
	accepted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		typ := drawType(t, 3)
		w, err := walkType(typ)
		if err != nil {
			refused++
			return
		}
		accepted++
		// As generalCodec does, which cannot be instantiated with a type made here.
		for range 3 {
			want, got := reflect.New(typ), reflect.New(typ)
			drawValue(t, want.Elem())
			e := NewEncoder(nil)
			if err := e.mp.Encode(want.Interface()); err != nil {
				t.Fatalf("encode %v: %v", typ, err)
			}
			d := NewDecoder(e.Bytes())
			if err := checkLengths(d.Rest(), w.exts); err != nil {
				t.Fatalf("%v: % x: %v", typ, e.Bytes(), err)
			}
			if err := d.mp.Decode(got.Interface()); err != nil {
				t.Fatalf("decode %v: % x: %v", typ, e.Bytes(), err)
			}
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Fatalf("%v: got %+v, want %+v", typ, got.Elem(), want.Elem())
			}
			if len(d.Rest()) > 0 {
				t.Fatalf("%v: %d bytes left", typ, len(d.Rest()))
			}
		}
	})
	if !t.Failed() && accepted <= refused/10 {
		t.Errorf("only %d of %d types were accepted: the test says little", accepted, accepted+refused)
	}
	t.Logf("%d types accepted, %d refused", accepted, refused)
}

// FuzzDecode: any body is a value or an error, never a panic, and costs memory in proportion to its length. An element
// takes at least a byte of the body, and the library holds a slice twice while it makes it.
func FuzzDecode(f *testing.F) {
	targets := []struct {
		decode func(body []byte) error
		factor uint64 // bytes of memory for each byte of the body
	}{
		{decodeAs[inner](f), 64},
		{decodeAs[whole](f), 128},
		{decodeAs[[]float64](f), 64},
		{decodeAs[[]*big.Int](f), 64},
		{decodeAs[string](f), 64},
		{decodeAs[map[string][]int](f), 128}, // room of the map, and each key and value of its own
		{decodeAs[Slice[int32]](f), 64},
		{decodeAs[[]byte](f), 64},
		{decodeAs[int8](f), 64},
		{decodeAs[[][]*inner](f), 128},
		{decodeAs[[]tag](f), 128},
		{decodeAs[packed](f), 64},
		{decodeAs[time.Time](f), 64},
		{decodeAs[View[int16]](f), 64},
		{decodeAs[map[string]*View[uint8]](f), 256},
	}
	v := whole{Outer: Outer{"n"}}.with(0)
	v.M, v.P, v.B, v.Fast, v.Big = map[string][]int{"a": {1, 2}}, &inner{}, []byte{1}, Slice[float64]{1}, big.NewInt(5)
	for i, body := range [][]byte{
		nil, encoded(f, inner{1, []string{"x"}}), encoded(f, v), encoded(f, []float64{1}), encoded(f, []*big.Int{nil, huge(2)}),
		encoded(f, "string"), encoded(f, map[string][]int{"a": {1}, "b": nil}), encoded(f, Slice[int32]{1}),
		encoded(f, []byte{1, 2}), encoded(f, -1), encoded(f, [][]*inner{{nil, {}}}), encoded(f, []tag{{"a"}}),
		encoded(f, packed{7}), encoded(f, time.Unix(1, 1)), encoded(f, NewView([]int16{1})),
		encoded(f, map[string]View[uint8]{"a": NewView([]uint8{1}), "b": NewView[uint8](nil)}),
		{0xc7, 6, 5, 0xdf, 0xff, 0xff, 0xff, 0xff, 0}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(uint8(max(0, i-1)), body)
	}
	f.Fuzz(func(t *testing.T, target uint8, body []byte) {
		i := int(target) % len(targets)
		var err error
		took := allocated(func() { err = targets[i].decode(body) })
		if limit := 1<<20 + targets[i].factor*uint64(len(body)); took > limit {
			t.Errorf("target %d took %d bytes for a body of %d (%v)", i, took, len(body), err)
		}
	})
}

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
