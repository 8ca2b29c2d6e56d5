package decimal

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func random(r *rand.Rand, n int) []uint64 {
	x := make([]uint64, n)
	for i := range x {
		x[i] = r.Uint64N(base)
	}
	return Trim(x)
}

func toBig(t rapid.TB, x []uint64) *big.Int {
	t.Helper()
	v, ok := new(big.Int).SetString(string(Append(nil, x)), 10)
	if !ok {
		t.Fatal("the text is no number")
	}
	return v
}

func TestText(t *testing.T) {
	for _, text := range []string{"0", "1", "999999999999999", "1000000000000000", "1" + strings.Repeat("0", 45), strings.Repeat("9", 46), "70000000000000000000000000123"} {
		v, _ := new(big.Int).SetString(text, 10)
		x := FromBig(v)
		if got := string(Append(nil, x)); got != text {
			t.Errorf("the text of %s is %s", text, got)
		}
		if got := Len(x); got != int64(len(text)) {
			t.Errorf("the length of %s is %d", text, got)
		}
	}
}

func TestTimes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, lens := range [][2]int{{0, 5}, {1, 1}, {1, 100}, {schoolLen, schoolLen}, {schoolLen + 1, schoolLen + 1}, {schoolLen, 1000}, {3000, 100}, {200, 200}} {
		a, b := random(r, lens[0]), random(r, lens[1])
		for _, pair := range [][2][]uint64{{a, b}, {b, a}, {b, b}} {
			x, y := pair[0], pair[1]
			if want := new(big.Int).Mul(toBig(t, x), toBig(t, y)); toBig(t, Times(x, y)).Cmp(want) != 0 {
				t.Errorf("the product of %d×%d limbs is wrong", len(x), len(y))
			}
		}
	}
	// The largest sums of a column.
	nines := slices.Repeat([]uint64{base - 1}, schoolLen)
	v := toBig(t, nines)
	if toBig(t, Times(nines, nines)).Cmp(v.Mul(v, v)) != 0 {
		t.Error("the square of nines is wrong")
	}
}

func TestProductOfWords(t *testing.T) {
	var words []uint64
	want := big.NewInt(1)
	for i := range uint64(500) {
		if got := Product(words); toBig(t, got).Cmp(want) != 0 {
			t.Fatalf("the product of %d words is wrong", i)
		}
		w := base - 1 - i*i*i
		words = append(words, w)
		want.Mul(want, new(big.Int).SetUint64(w))
	}
}

func TestAddAndSub(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limb := rapid.OneOf(rapid.Just(uint64(base-1)), rapid.Just(uint64(0)), rapid.Uint64Range(0, base-1))
		y := rapid.SliceOfN(limb, 0, 10).Draw(t, "y")
		x := rapid.SliceOfN(limb, len(y), 12).Draw(t, "x")
		sum := append(slices.Clone(x), 0)
		Add(sum, y)
		want := toBig(t, Trim(x))
		if want.Add(want, toBig(t, Trim(y))); toBig(t, Trim(sum)).Cmp(want) != 0 {
			t.Fatal("the sum is wrong")
		}
		if Sub(sum, y); !slices.Equal(Trim(sum), Trim(x)) {
			t.Fatal("the difference is wrong")
		}
	})
}

func TestResidue(t *testing.T) {
	check := NewCheck()
	q := new(big.Int).SetUint64(check.Prime)
	if q.BitLen() != 61 || !q.ProbablyPrime(20) {
		t.Fatalf("%d is no prime of 61 bits", q)
	}
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Uint64Range(0, base-1), 0, 40).Draw(t, "limbs")
		n := rapid.IntRange(0, 100).Draw(t, "limbs below")
		v := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(n)), nil)
		v.Mul(v, toBig(t, Trim(x)))
		if got := check.Shift(check.Residue(x), n); got != v.Mod(v, q).Uint64() {
			t.Fatalf("the residue is %d, want %d", got, v)
		}
	})
}

func BenchmarkTimes(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{30, 60, 100, 200} {
		x, y := random(r, n), random(r, n)
		out := make([]uint64, 2*n)
		b.Run("school", func(b *testing.B) {
			for b.Loop() {
				school(out, x, y)
			}
			b.ReportMetric(float64(n), "limbs")
		})
		b.Run("transform", func(b *testing.B) {
			var m transformer
			for b.Loop() {
				m.times(out, x, y)
			}
		})
	}
}

func BenchmarkResidue(b *testing.B) {
	x := random(rand.New(rand.NewPCG(1, 2)), 100_000)
	c := NewCheck()
	for b.Loop() {
		c.Residue(x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/limb")
}

func BenchmarkAppend(b *testing.B) {
	x := random(rand.New(rand.NewPCG(1, 2)), 100_000)
	var text []byte
	for b.Loop() {
		text = Append(text[:0], x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/limb")
}
