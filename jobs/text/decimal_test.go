package text

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "7": "7", "+1e6": "1000000", "-0.25": "-0.25", "2.5E-3": "0.0025", ".5": "0.5", "5.": "5",
		"1234567890.123456789": "1234567890.123456789", "999999999999999999": "999999999999999999", "1e18": "1000000000000000000",
		"-1e20": "-100000000000000000000", "1e-18": "0.000000000000000001", "0e999": "0", "0000000000000000000000001": "1", "0.000": "0", "1000e-20": "0.00000000000000001",
	} {
		d, err := ParseDecimal([]byte(text))
		if err != nil || d.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", "-", "x", "1x", "1,5", "1.2.3", "e5", "1e", "1e+", "NaN", "inf", " 1", "0x10", "1_000", "--1"} {
		if d, err := ParseDecimal([]byte(text)); err == nil || errors.Is(err, ErrRange) || !strings.HasSuffix(err.Error(), " is not a number") {
			t.Errorf("%q: got %v, %v, want that it is no number", text, d, err)
		}
	}
	for _, text := range []string{"1e21", "1e-19", "12345678901234567890", "1e1000000000000", "1e-99999999999"} {
		if d, err := ParseDecimal([]byte(text)); !errors.Is(err, ErrRange) {
			t.Errorf("%s: got %v, %v, want ErrRange", text, d, err)
		}
	}
}

// Sums and order are those of exact fractions.
func TestDecimalSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var sum Decimal
	exact := new(big.Rat)
	var before Decimal
	for range 10_000 {
		text := strconv.FormatInt(rng.Int64N(1e18)-5e17, 10) + "e-" + strconv.Itoa(rng.IntN(19))
		d, err := ParseDecimal([]byte(text))
		r, ok := new(big.Rat).SetString(text)
		if err != nil || !ok || d.Rat().Cmp(r) != 0 {
			t.Fatalf("%s: got %v, %v", text, d, err)
		}
		if d.Less(before) != (r.Cmp(before.Rat()) < 0) {
			t.Errorf("%v < %v: got %t", d, before, d.Less(before))
		}
		before = d
		sum = sum.Add(d)
		exact.Add(exact, r)
		if sum.Rat().Cmp(exact) != 0 {
			t.Fatalf("got the sum %v, want %v", sum, exact.FloatString(18))
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a sum that is too large did not panic")
		}
	}()
	large, err := ParseDecimal([]byte("1e20"))
	if err != nil {
		t.Fatal(err)
	}
	large.Add(large)
}
