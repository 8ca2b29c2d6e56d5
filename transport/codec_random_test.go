package transport

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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

// FuzzDecode: any body is a value or an error, never a panic, and costs memory in proportion to its
// length. An element takes at least one byte of the body, and the library holds a slice twice while
// it makes it.
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
		{decodeAs[map[string][]int](f), 128}, // room of the map, and the memory of each key and value
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
