package transport

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// counting returns n numbers of which no two neighbours are equal.
func counting[E Number](n int) []E {
	s := make([]E, n)
	for i := range s {
		s[i] = E(i%120) + E(i%7)
	}
	return s
}

func arriveViews[E Number](t *testing.T) {
	none, empty, some, many := NewView[E](nil), NewView([]E{}), NewView(counting[E](3)), NewView(counting[E](bulkSize))
	arrives(t, none, empty, some, many)
	arrives(t, nil, &none, &empty, &some)
	arrives(t, []View[E]{none, empty, some}, nil)
	arrives(t, map[string]View[E]{"a": some, "b": none})
	arrives(t, struct {
		N    int
		A, B View[E]
		C    *View[E]
		L    []*View[E]
	}{A: some, B: many, L: []*View[E]{nil, &some}, N: 5})
	arrives(t, struct{ View[E] }{some})
}

func TestViewsArriveEqual(t *testing.T) {
	arriveViews[int8](t)
	arriveViews[int16](t)
	arriveViews[int32](t)
	arriveViews[int64](t)
	arriveViews[int](t)
	arriveViews[uint8](t)
	arriveViews[uint16](t)
	arriveViews[uint32](t)
	arriveViews[uint64](t)
	arriveViews[uint](t)
	arriveViews[float32](t)
	arriveViews[float64](t)
	arriveViews[celsius](t)
	arriveViews[small](t)
}

func TestZeroViewArrivesAsNil(t *testing.T) {
	var got View[int]
	if err := codecOf[View[int]](t).Decode(NewDecoder(encoded(t, got)), &got); err != nil || got.Slice() != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWireFormOfViews(t *testing.T) {
	tests := []struct {
		got  []byte
		want string
	}{
		{encoded(t, NewView([]float64{1})), "c7 09 03 09 00 00 00 00 00 00 f0 3f"},
		{encoded(t, NewView([]int16{1, -2})), "c7 05 03 02 01 00 fe ff"},
		{encoded(t, NewView([]uint8{7})), "d5 03 0a 07"},
		{encoded(t, NewView([]int8{})), "d4 03 01"},
		{encoded(t, NewView[int8](nil)), "d4 03 00"},
		{encoded(t, (*View[int8])(nil)), "c0"},
		{encoded(t, Slice[uint8]{1, 2}), "c7 03 01 0a 01 02"},
		{encoded(t, NewView(make([]int64, bulkSize/8)))[:16], "c9 00 01 00 02 03 04 00 00 00 00 00 00 00 00 00"},
		{encoded(t, NewView(make([]int8, bulkSize)))[:9], "c9 00 01 00 01 03 01 00 00"},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf("% x", tt.got); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// A View is aligned in the body, whatever comes before it.
func TestLargeViewsAreAligned(t *testing.T) {
	codec, want := codecOf[View[float64]](t), counting[float64](bulkSize/8)
	for before := range 20 {
		e := NewEncoder(make([]byte, before))
		v := NewView(want)
		if err := codec.Encode(e, &v); err != nil {
			t.Fatal(err)
		}
		if first := e.Len() - bulkSize; first%8 != 0 || first < before+viewHeader || first > before+viewHeader+7 {
			t.Errorf("behind %d bytes the elements begin at %d", before, first)
		}
		d := NewDecoder(e.Bytes()[before:])
		var got View[float64]
		if err := codec.Decode(d, &got); err != nil || !slices.Equal(got.Slice(), want) || len(d.Rest()) > 0 {
			t.Errorf("behind %d bytes: %v, and %d bytes are left", before, err, len(d.Rest()))
		}
	}
}

func TestBrokenViews(t *testing.T) {
	for name, body := range map[string][]byte{
		"no kind":                {0xc7, 0, extView},
		"numbers that are none":  encoded(t, []int32{1}),
		"another kind":           encoded(t, NewView([]float32{1})),
		"kind 0 and more":        {0xd5, extView, 0, 0},
		"half an element":        {0xd6, extView, 3, 0, 1, 0},
		"padding that is not 0":  {0xc7, 6, extView, 3, 1, 5, 0, 0, 0},
		"another extension":      {0xd4, 9, 0},
		"4 GiB":                  {0xc9, 0xff, 0xff, 0xff, 0xfd, extView, 3, 0},
		"a map in the extension": {0xc7, 6, extView, 0xdf, 0xff, 0xff, 0xff, 0xff, 0},
	} {
		var err error
		if took := allocated(func() { err = decodeAs[View[int32]](t)(body) }); err == nil || took > 1<<20 {
			t.Errorf("%s: got %v, took %d bytes", name, err, took)
		}
	}
	prefixesFail(t, NewView([]int32{1, 2}))
	var v View[int32]
	if err := codecOf[View[int32]](t).Decode(NewDecoder([]byte{0xc7, 6, extView, 3, 0, 5, 0, 0, 0}), &v); err != nil || v.Slice()[0] != 5 {
		t.Errorf("a padding that is not needed: %v", err)
	}
}

func TestReleasedView(t *testing.T) {
	v := NewView([]int{1, 2})
	alias := v
	if s := alias.Slice(); &s[0] != &v.Slice()[0] {
		t.Error("Slice makes a copy")
	}
	v.Release()
	v.Release()
	alias.Release()
	defer func() {
		if p := recover(); p == nil || !strings.Contains(p.(string), "after its release") {
			t.Errorf("Slice panics with %v", p)
		}
	}()
	err := codecOf[View[int]](t).Encode(NewEncoder(nil), &v)
	if err == nil || !strings.Contains(err.Error(), "released before it was sent") {
		t.Errorf("sent after its release: %v", err)
	}
	View[int]{}.Release()
	_ = alias.Slice()
}

func TestOwnedViews(t *testing.T) {
	body := slices.Concat(encoded(t, NewView([]int{1})), encoded(t, []View[int]{NewView([]int{2}), NewView[int](nil)}))
	d := NewDecoder(body)
	d.OwnViews()
	var one View[int]
	var more []View[int]
	if err := codecOf[View[int]](t).Decode(d, &one); err != nil {
		t.Fatal(err)
	}
	if err := codecOf[[]View[int]](t).Decode(d, &more); err != nil {
		t.Fatal(err)
	}
	one.Release()
	if more[0].Slice()[0] != 2 || more[1].Slice() != nil {
		t.Errorf("got %v", more)
	}
	d.ReleaseViews()
	for i, v := range append(more, one) {
		if !v.own.released.Load() {
			t.Errorf("view %d lives on", i)
		}
	}
	d.Reset(body)
	if err := codecOf[View[int]](t).Decode(d, &one); err != nil || one.Slice()[0] != 1 {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTypesWithViews(t *testing.T) {
	type holder struct {
		V View[int]
		N int
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[View[int]](), reflect.TypeFor[*View[celsius]](), reflect.TypeFor[holder](), reflect.TypeFor[[]View[uint8]](),
		reflect.TypeFor[map[string]View[int]](), reflect.TypeFor[struct{ View[int] }](),
	} {
		if w, err := walkType(typ); err != nil || w.exts {
			t.Errorf("%v: %v, exts %t", typ, err, w.exts)
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[**View[int]](), reflect.TypeFor[any](), reflect.TypeFor[struct {
			View[int]
			N int
		}](),
	} {
		if err := CheckType(typ); err == nil {
			t.Errorf("%v is accepted", typ)
		}
	}
	if reflect.TypeFor[View[int]]().Comparable() {
		t.Error("views can be compared, and be keys")
	}
}

// A View also works under an encoder and a decoder that are not those of this package.
func TestViewWithPlainMsgpack(t *testing.T) {
	type message struct{ A, B View[int32] }
	want := message{NewView(counting[int32](bulkSize)), NewView[int32](nil)}
	b, err := msgpack.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got message
	if err := msgpack.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestViewOnBigEndianMachines(t *testing.T) {
	defer func(was bool) { littleEndian = was }(littleEndian)
	sent := encoded(t, NewView([]int32{1, -2}))
	littleEndian = !littleEndian
	if got := encoded(t, NewView([]int32{1, -2})); !bytes.Equal(got[4:8], []byte{sent[7], sent[6], sent[5], sent[4]}) {
		t.Errorf("got % x and, the other way round, % x", sent, got)
	}
	arrives(t, NewView([]int32{1, -2}), NewView(counting[int32](bulkSize)))
}

func TestViewInMessages(t *testing.T) {
	if got, want := fmt.Sprintf("%+v", NewView(make([]float64, 1000))), "View[float64] of 1000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(View[celsius]{}), "View[transport.celsius] of 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
