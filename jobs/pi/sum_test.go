package pi

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// toBig returns s in units of 2^-126.
func toBig(s fixed) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(int64(s.Hi)), 64)
	return v.Add(v, new(big.Int).SetUint64(s.Lo))
}

// nearest returns units*2^-126 as a float64, rounded by math/big.
func nearest(units *big.Int) float64 {
	x := new(big.Float).SetPrec(200).SetInt(units)
	f, _ := x.SetMantExp(x, -fracBits).Float64()
	return f
}

// drawSum draws values of all sizes, and many near a tie between two floats.
func drawSum(t *rapid.T, label string) fixed {
	s := fixed{rapid.Uint64().Draw(t, label+".Hi"), rapid.Uint64().Draw(t, label+".Lo")}
	switch rapid.IntRange(0, 3).Draw(t, label+".kind") {
	case 0:
		s.Hi = uint64(int64(s.Hi) >> 63)
	case 1:
		s.Hi &^= 1<<10 - 1
		s.Lo = uint64(int64(s.Lo<<62) >> 62)
	case 2:
		return fromFloat(rapid.Float64Range(-1.999, 1.999).Draw(t, label+".x"))
	}
	return s
}

func TestSumFloat64(t *testing.T) {
	const one = 1 << (fracBits - 64)
	tests := []struct {
		name string
		sum  fixed
		want float64
	}{
		{"zero", fixed{}, 0},
		{"one", fixed{one, 0}, 1},
		{"minus one", fixed{-one & math.MaxUint64, 0}, -1},
		{"unit", fixed{0, 1}, 0x1p-126},
		{"minus unit", fixed{math.MaxUint64, math.MaxUint64}, -0x1p-126},
		{"least", fixed{1 << 63, 0}, -2},
		{"greatest rounds up", fixed{math.MaxInt64, math.MaxUint64}, 2},
		{"tie to even, down", fixed{one + 1<<9, 0}, 1},
		{"just above the tie", fixed{one + 1<<9, 1}, 1 + 0x1p-52},
		{"just below the tie", fixed{one + 3<<9 - 1, math.MaxUint64}, 1 + 0x1p-52},
		{"tie to even, up", fixed{one + 3<<9, 0}, 1 + 0x1p-51},
		{"low half only, tie", fixed{0, 1<<63 | 1<<10}, 0x1p-63},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.sum.Float64(); got != tt.want {
				t.Errorf("Float64() = %v, want %v", got, tt.want)
			}
			if got := tt.sum.Pi(); got != 4*tt.want {
				t.Errorf("Pi() = %v, want %v", got, 4*tt.want)
			}
		})
	}
}

func TestSumAgainstBig(t *testing.T) {
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		s, u := drawSum(t, "s"), drawSum(t, "u")
		if got, want := s.Float64(), nearest(toBig(s)); got != want {
			t.Fatalf("%x.Float64() = %x, want %x", s, got, want)
		}
		diff := new(big.Int).Add(toBig(s), toBig(u))
		diff.Sub(diff, toBig(s.Add(u)))
		if diff.Mod(diff, modulus).Sign() != 0 {
			t.Fatalf("%x.Add(%x) = %x", s, u, s.Add(u))
		}
		if got := s.Add(s.neg()); got != (fixed{}) {
			t.Fatalf("%x.Add(its negative) = %x", s, got)
		}
	})
}

func FuzzFromFloat(f *testing.F) {
	for _, x := range []float64{0, 1, -1, 1.0 / 3, 0x1p-74 + 0x1p-126, -0x1p-126, 0x1.8p-127, 5e-324, math.Nextafter(2, 0)} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x float64) {
		if !(math.Abs(x) < 2) {
			return // fromFloat does not accept it
		}
		scaled := new(big.Float).SetPrec(200).SetFloat64(x)
		want, _ := scaled.SetMantExp(scaled, fracBits).Int(nil) // truncates towards zero
		got := fromFloat(x)
		if toBig(got).Cmp(want) != 0 {
			t.Errorf("fromFloat(%x) = %x, want %x", x, got, want)
		}
		if math.Abs(x) >= 0x1p-74 && got.Float64() != x {
			t.Errorf("fromFloat(%x).Float64() = %x", x, got.Float64())
		}
	})
}
