package jobs

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestParseCount(t *testing.T) {
	tests := []struct {
		text string
		want int64
	}{
		{"0", 0},
		{"000", 0},
		{"0.000", 0},
		{"0e999999999999999999999", 0},
		{"7", 7},
		{"007", 7},
		{"1000", 1000},
		{"100_000_000", 1e8},
		{"1_0.5_0k", 10_500},
		{"1e8", 1e8},
		{"1E8", 1e8},
		{"1e+8", 1e8},
		{"1.5e3", 1500},
		{"1500e-2", 15},
		{"1.0", 1},
		{"100M", 1e8},
		{"2.5M", 2_500_000},
		{"1k", 1000},
		{"1K", 1000},
		{"3G", 3e9},
		{"4T", 4e12},
		{"1Ki", 1024},
		{"1.5Ki", 1536},
		{"0.0009765625Ki", 1},
		{"2Mi", 2 << 20},
		{"3Gi", 3 << 30},
		{"4Ti", 4 << 40},
		{"0.0000000000009094947017729282379150390625Ti", 1},
		{"1e18", 1e18},
		{"9007199254740993", 9007199254740993},
		{"9_007_199_254_740.993k", 9007199254740993},
		{"9223372036854775807", math.MaxInt64},
		{"9.223372036854775807e18", math.MaxInt64},
	}
	for _, tt := range tests {
		if got, err := ParseCount(tt.text); got != tt.want || err != nil {
			t.Errorf("ParseCount(%q) = %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
}

func TestParseCountErrors(t *testing.T) {
	tests := []struct {
		text string
		want error
	}{
		{"", errEmpty},
		{"abc", errNotNumber},
		{" 1", errNotNumber},
		{"+1", errNotNumber},
		{"--1", errNotNumber},
		{"-", errNotNumber},
		{"_1", errNotNumber},
		{"1_", errNotNumber},
		{"1__0", errNotNumber},
		{".5M", errNotNumber},
		{"5.", errNotNumber},
		{"1e", errNotNumber},
		{"e8", errNotNumber},
		{"1e3k", errNotNumber},
		{"1m", errNotNumber},
		{"1KiB", errNotNumber},
		{"0x10", errNotNumber},
		{"NaN", errNotNumber},
		{"Inf", errNotNumber},
		{"1\n", errNotNumber},
		{"-1", errNegative},
		{"-1e8", errNegative},
		{"1.5", errNotWhole},
		{"1.2345k", errNotWhole},
		{"1e-1", errNotWhole},
		{"1e-999999999999999999999", errNotWhole},
		{"1.1Ki", errNotWhole},
		{"9223372036854775808", errTooLarge},
		{"9999999999999999999", errTooLarge},
		{"1e19", errTooLarge},
		{"1e30", errTooLarge},
		{"8388608Ti", errTooLarge},
		{"1e9223372036854775807", errTooLarge},
		{"1e999999999999999999999", errTooLarge},
	}
	for _, tt := range tests {
		if got, err := ParseCount(tt.text); !errors.Is(err, tt.want) {
			t.Errorf("ParseCount(%q) = %d, %v, want %v", tt.text, got, err, tt.want)
		}
	}
}

func TestParseCountMessages(t *testing.T) {
	tests := []struct{ text, want string }{
		{"1.5", `"1.5" is not a whole number; a count takes a whole number such as 1000, 1e8, 100_000_000 or 100M`},
		{"", `"" is empty; a count takes a whole number such as 1000, 1e8, 100_000_000 or 100M`},
		{"1e30", `"1e30" is too large; the largest number is 9223372036854775807`},
	}
	for _, tt := range tests {
		if _, err := ParseCount(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("ParseCount(%q):\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// FuzzParseCount compares with math/big's exact rational numbers.
func FuzzParseCount(f *testing.F) {
	for _, seed := range []string{"1e8", "100_000_000", "2.5M", "1.5Ki", "1.5", "-1", "1e30", "9007199254740993", "1e-2", "100e-2", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseCount(text)
		if plain, e := strconv.ParseUint(text, 10, 63); e == nil && (err != nil || got != int64(plain)) {
			t.Fatalf("ParseCount(%q) = %d, %v", text, got, err)
		}
		value := ratValue(strings.TrimPrefix(text, "-"))
		if value == nil {
			return
		}
		largest := new(big.Rat).SetInt64(math.MaxInt64)
		switch {
		case err == nil:
			if value.Cmp(new(big.Rat).SetInt64(got)) != 0 {
				t.Fatalf("ParseCount(%q) = %d", text, got)
			}
		case errors.Is(err, errNotWhole) && value.IsInt(),
			errors.Is(err, errTooLarge) && value.Cmp(largest) <= 0,
			errors.Is(err, errNegative) && text[0] != '-',
			errors.Is(err, errEmpty):
			t.Fatalf("ParseCount(%q): %v", text, err)
		}
	})
}

// ratValue reads text as a rational number times its suffix. It returns nil for text that is not a
// number, or whose exponent is so long that it would take long.
func ratValue(text string) *big.Rat {
	scale := int64(1)
	for i, letter := range []string{"K", "M", "G", "T"} {
		upper := strings.ToUpper(text)
		if cut, ok := strings.CutSuffix(upper, letter); ok {
			text, scale = cut, int64(math.Pow10(3*(i+1)))
		} else if cut, ok := strings.CutSuffix(upper, letter+"I"); ok {
			text, scale = cut, 1<<(10*(i+1))
		}
	}
	text = strings.ToLower(strings.ReplaceAll(text, "_", ""))
	if _, exponent, ok := strings.Cut(text, "e"); ok && len(exponent) > 4 || strings.Contains(text, "p") || len(text) > 200 {
		return nil
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok || strings.HasPrefix(text, "0") && strings.Trim(text, "0123456789.e+-") != "" {
		return nil
	}
	return value.Mul(value, new(big.Rat).SetInt64(scale))
}

func TestCountValue(t *testing.T) {
	n := int64(7)
	v := countValue{&n, 1, 1024}
	if v.String() != "7" || v.Type() != "N" {
		t.Errorf("String, Type = %q, %q", v.String(), v.Type())
	}
	for _, text := range []string{"0", "1025", "-1", "x", "1.5", ""} {
		err := v.Set(text)
		if err == nil || !strings.HasSuffix(err.Error(), "; it takes a whole number from 1 to 1024") {
			t.Errorf("Set(%q): %v", text, err)
		}
		if n != 7 {
			t.Fatalf("Set(%q) set %d", text, n)
		}
	}
	for _, text := range []string{"1", "1024", "1k", "1Ki"} {
		if err := v.Set(text); err != nil {
			t.Errorf("Set(%q): %v", text, err)
		}
	}
	if n != 1024 {
		t.Errorf("n = %d, want 1024", n)
	}
}

func TestShortCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 1: "1", 1000: "1000", 100_000: "100000", 1_000_000: "1e6", 2_000_000: "2000000",
		1_000_001: "1000001", 1e18: "1e18", math.MaxInt64: "9223372036854775807",
	} {
		if got := shortCount(n); got != want {
			t.Errorf("shortCount(%d) = %s, want %s", n, got, want)
		}
	}
}
