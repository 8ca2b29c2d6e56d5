package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
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

func codecOf[T any](t testing.TB) *Codec[T] {
	t.Helper()
	c, err := NewCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arrives sends the values one after another and checks that each arrives equal, and that nothing
// is left of the body.
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

// A number that arrived shares no memory with the body, which is reused.
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
