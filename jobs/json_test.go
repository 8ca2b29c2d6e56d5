package jobs

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestWriteJSON(t *testing.T) {
	type figures struct {
		A int64   `json:"a"`
		B uint64  `json:"b"`
		C []int64 `json:"c"`
		D string  `json:"d"`
		E float64 `json:"e"`
		F any     `json:"f"`
	}
	for _, test := range []struct {
		value any
		want  string
	}{
		{int64(1 << 53), `9007199254740992`},
		{int64(1<<53 + 1), `"9007199254740993"`},
		{int64(-1 << 53), `-9007199254740992`},
		{int64(-1<<53 - 1), `"-9007199254740993"`},
		{uint64(math.MaxUint64), `"18446744073709551615"`},
		{int64(math.MinInt64), `"-9223372036854775808"`},
		{json.Number("123456789012345678901234567890"), `"123456789012345678901234567890"`},
		{3.5e300, `3.5e+300`},
		{0.12345678901234567890, `0.12345678901234568`},
		{"9007199254740993", `"9007199254740993"`},
		{`a "9007199254740993" \`, `"a \"9007199254740993\" \\"`},
		{map[int64]int64{1<<53 + 1: 1<<53 + 1}, `{"9007199254740993":"9007199254740993"}`},
		{figures{-1, 1 << 60, []int64{1, 1 << 60}, "", -1.5, int64(1 << 60)},
			`{"a":-1,"b":"1152921504606846976","c":[1,"1152921504606846976"],"d":"","e":-1.5,"f":"1152921504606846976"}`},
	} {
		var b strings.Builder
		if err := WriteJSON(&b, test.value); err != nil || b.String() != test.want+"\n" {
			t.Errorf("%v: %s, %v; want %s", test.value, b.String(), err, test.want)
		}
	}
	if err := WriteJSON(&strings.Builder{}, func() {}); err == nil {
		t.Error("no error for a function")
	}
}

func TestText(t *testing.T) {
	seen := make(map[string]string)
	for s, want := range map[string]string{
		"": "", "plain": "plain", "Äpfel €": "Äpfel €", `\`: `\`, `C:\temp`: `C:\temp`, "\ufffd": "\ufffd",
		"a\xff": `a\xff`, "a\xfe": `a\xfe`, `a\xff`: `a\x5cxff`, `a\x5cxff`: `a\x5cx5cxff`, "\xe9t\xe9": `\xe9t\xe9`,
		"\xe2\x82": `\xe2\x82`, "Ä\xc3": `Ä\xc3`, "\\\xff": `\\xff`, `\\xff`: `\\x5cxff`,
	} {
		got := Text(s)
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %s", s, other, got)
		}
		seen[got] = s
	}
}
