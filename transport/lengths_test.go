package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

func TestValueLenIsTheLengthTheLibraryWrites(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 4, 8, 15, 16, 31, 32, 255, 256, 65535, 65536}
	values := map[string]any{
		"nil": nil, "true": true, "false": false, "float32": float32(1), "float64": 1.5, "time": time.Unix(1<<40, 1),
		"time of 4 bytes": time.Unix(5, 0), "time of 8 bytes": time.Unix(5, 1),
		"nested": map[string][]map[int]string{"a": {{1: "x"}, nil}, "b": {}},
	}
	for _, n := range []int{0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 31, 1 << 32, -1, -32, -33, -128, -129, -32769, -1 << 31, -1<<31 - 1} {
		values["int "+time.Duration(n).String()] = n
		values["int64 "+time.Duration(n).String()] = int64(n) // the library does not shorten it
	}
	for _, n := range sizes {
		name := time.Duration(n).String()
		values["string "+name] = strings.Repeat("s", n)
		values["bytes "+name] = make([]byte, n)
		values["array "+name] = make([]bool, n)
		values["numbers "+name] = make(Slice[int8], n)
		m := map[int]int{}
		for i := range n {
			m[i] = -i
		}
		values["map "+name] = m
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			b, err := msgpack.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			n, err := valueLen(append(bytes.Clone(b), "behind"...), 0, true)
			if n != len(b) || err != nil {
				t.Errorf("got %d, %v, want %d", n, err, len(b))
			}
			if err := checkLengths(b, true); err != nil {
				t.Error(err)
			}
			for _, cut := range []int{0, 1, len(b) / 2, len(b) - 1} {
				if cut < len(b) && !errors.Is(checkLengths(b[:cut], true), io.ErrUnexpectedEOF) {
					t.Errorf("cut to %d of %d bytes: got %v", cut, len(b), checkLengths(b[:cut], true))
				}
			}
		})
	}
}

func TestCheckLengthsRefuses(t *testing.T) {
	nested := func(depth int) []byte { return append(bytes.Repeat([]byte{0x91}, depth), 0xc0) }
	tests := map[string]struct {
		body []byte
		says string
	}{
		"nothing":                {nil, "unexpected EOF"},
		"reserved code":          {[]byte{0xc1}, "0xc1"},
		"reserved code inside":   {[]byte{0x92, 1, 0xc1}, "0xc1"},
		"array of 4 billion":     {[]byte{0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2}, "unexpected EOF"},
		"map of 4 billion":       {[]byte{0xdf, 0xff, 0xff, 0xff, 0xff, 1, 2}, "unexpected EOF"},
		"map without last value": {[]byte{0x82, 1, 2, 3}, "unexpected EOF"},
		"string of 4 GiB":        {[]byte{0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, "unexpected EOF"},
		"extension of 4 GiB":     {[]byte{0xc9, 0xff, 0xff, 0xff, 0xff, 1, 1}, "unexpected EOF"},
		"length cut":             {[]byte{0xdd, 0, 0}, "unexpected EOF"},
		"too deep":               {nested(maxDepth + 1), "nested deeper than 1000"},
		"very deep":              {nested(1 << 20), "nested deeper than 1000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, exts := range []bool{false, true} {
				err := checkLengths(tt.body, exts)
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("extensions %v: got %v, want %q", exts, err, tt.says)
				}
			}
		})
	}
	if err := checkLengths(nested(maxDepth), false); err != nil {
		t.Errorf("depth %d: %v", maxDepth, err)
	}
}

func TestExtensionsAreRefusedWhereNoneCanBe(t *testing.T) {
	tests := map[string]struct {
		body    []byte
		numbers bool // allowed where only numbers may come
	}{
		"numbers":                  {[]byte{0xc7, 2, extNumbers, 1, 5}, true},
		"numbers of fixed length":  {[]byte{0xd5, extNumbers, 1, 5}, true},
		"no numbers":               {[]byte{0xd4, extNumbers, 9}, true},
		"view":                     {[]byte{0xc7, 2, extView, 1, 5}, true},
		"view of nil":              {[]byte{0xd4, extView, 0}, true},
		"view of uint8":            {[]byte{0xd5, extView, maxKind, 1}, true},
		"view of no kind":          {[]byte{0xd5, extView, maxKind + 1, 1}, false},
		"map posing as view":       {[]byte{0xc7, 6, extView, 0xdf, 0xff, 0xff, 0xff, 0xff, 0}, false},
		"numbers without kind":     {[]byte{0xc7, 0, extNumbers}, false},
		"map posing as numbers":    {[]byte{0xc7, 6, extNumbers, 0xdf, 0xff, 0xff, 0xff, 0xff, 0}, false},
		"map in another extension": {[]byte{0xc7, 6, 5, 0xdf, 0xff, 0xff, 0xff, 0xff, 0}, false},
		"time":                     {[]byte{0xd6, 0xff, 0, 0, 0, 1}, false},
		"ext 16":                   {[]byte{0xc8, 0, 1, 7, 0}, false},
		"ext 32":                   {[]byte{0xc9, 0, 0, 0, 1, 7, 0}, false},
		"inside an array":          {[]byte{0x91, 0xd4, 7, 0}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := checkLengths(tt.body, true); err != nil {
				t.Errorf("with extensions: %v", err)
			}
			if err := checkLengths(tt.body, false); (err == nil) != tt.numbers {
				t.Errorf("without: got %v", err)
			}
		})
	}
}

// FuzzValueLen: the length is the one that the library finds when it skips the value.
func FuzzValueLen(f *testing.F) {
	for _, v := range []any{nil, 1.5, "text", []int{1, 300}, map[string]any{"a": []byte{1}, "b": nil}, time.Unix(5, 5), Slice[int16]{1},
		NewView([]int16{1}), []View[int8]{NewView[int8](nil)}} {
		b, err := msgpack.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := valueLen(b, 0, true)
		if err != nil && strings.Contains(err.Error(), "nested deeper") {
			return // the library accepts it
		}
		r := bytes.NewReader(b)
		skipErr := msgpack.NewDecoder(r).Skip()
		if (err == nil) != (skipErr == nil) {
			t.Fatalf("% x: got %v, the library says %v", b, err, skipErr)
		}
		if err == nil && n != len(b)-r.Len() {
			t.Errorf("% x: got %d, the library %d", b, n, len(b)-r.Len())
		}
		if _, err := valueLen(b, 0, false); err == nil && skipErr != nil {
			t.Errorf("% x: passes only without extensions", b)
		}
	})
}
