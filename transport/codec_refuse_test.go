package transport

import (
	"math/big"
	"strings"
	"testing"
)

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

// A short body ends with io.ErrUnexpectedEOF or io.EOF; half a value is never taken for a whole
// one.
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
