package ntt

import (
	"bytes"
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// value returns the number with these limbs.
func value(limbs []uint64) *big.Int {
	var text bytes.Buffer
	text.WriteByte('0')
	for _, limb := range slices.Backward(limbs) {
		fmt.Fprintf(&text, "%015d", limb)
	}
	x, ok := new(big.Int).SetString(text.String(), 10)
	if !ok {
		panic("no number")
	}
	return x
}

// multiply returns the product of a and b, or the square of a if b is nil, with the limbs made in
// stretches of step.
func multiply(a, b []uint64, step int) []uint64 {
	lb := len(b)
	if b == nil {
		lb = len(a)
	}
	pl := NewPlan(len(a), lb)
	var residues [Moduli][]uint64
	spare := make([]uint64, pl.Size)
	for i := range residues {
		roots := make([]uint64, pl.Roots())
		FillRoots(roots, 0, i)
		residues[i] = make([]uint64, pl.Len())
		for part := range pl.Parts {
			pl.Residues(residues[i][part*pl.Size:][:pl.Size], spare, a, b, roots, i, part)
		}
	}
	out := make([]uint64, len(a)+lb)
	for i := range out {
		out[i] = ^uint64(0) // every limb must be written
	}
	var carries []Carry
	for from := 0; from < pl.Size; from += step {
		carries = append(carries, pl.Carry(out, residues, from, min(from+step, pl.Size))...)
	}
	for _, c := range carries {
		AddCarry(out, c)
	}
	return out
}

func checkProduct(t *testing.T, a, b []uint64, step int) {
	t.Helper()
	got := multiply(a, b, step)
	for i, limb := range got {
		if limb >= Base {
			t.Fatalf("limb %d of %d×%d is %d", i, len(a), len(b), limb)
		}
	}
	other := b
	if b == nil {
		other = a
	}
	if len(got) < 3000 {
		if want := new(big.Int).Mul(value(a), value(other)); value(got).Cmp(want) != 0 {
			t.Fatalf("the product of %d×%d limbs is wrong", len(a), len(b))
		}
	}
	for _, q := range []uint64{1<<61 - 1, 1<<62 - 57} {
		hi, lo := bits.Mul64(residue(a, q), residue(other, q))
		if residue(got, q) != bits.Rem64(hi, lo, q) {
			t.Fatalf("the product of %d×%d limbs is wrong modulo %d", len(a), len(b), q)
		}
	}
}

func residue(limbs []uint64, q uint64) (sum uint64) {
	for _, limb := range slices.Backward(limbs) {
		hi, lo := bits.Mul64(sum, Base)
		lo, carry := bits.Add64(lo, limb, 0)
		sum = bits.Rem64(hi+carry, lo, q)
	}
	return sum
}

func random(r *rand.Rand, n int) []uint64 {
	x := make([]uint64, n)
	for i := range x {
		x[i] = r.Uint64N(Base)
	}
	return x
}

// largest returns the largest number of n limbs, whose products have the largest coefficients and
// carry furthest.
func largest(n int) []uint64 { return slices.Repeat([]uint64{Base - 1}, n) }

func TestProductOfEveryLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 300; n++ {
		checkProduct(t, random(r, n), random(r, 1+r.IntN(n)), 1+r.IntN(n))
		checkProduct(t, largest(n), largest(n), 1+r.IntN(n))
		checkProduct(t, random(r, n), nil, n)
	}
}

func TestProductOfLongNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, lens := range [][2]int{{1000, 1}, {1, 1000}, {5000, 3}, {4096, 4096}, {4096, 4097}, {20_000, 700}, {28_000, 30_000}} {
		checkProduct(t, random(r, lens[0]), random(r, lens[1]), 1000)
		checkProduct(t, largest(lens[0]), largest(lens[1]), 1<<20)
	}
	checkProduct(t, largest(40_000), nil, 999)
}

// TestRoots checks a table filled in parts of odd lengths against the definition of its nodes.
func TestRoots(t *testing.T) {
	const n = 3000
	for i, m := range moduli {
		roots := make([]uint64, n)
		for from := 0; from < n; from += 77 {
			FillRoots(roots[from:min(from+77, n)], from, i)
		}
		if roots[0] != m.one {
			t.Error("the root of node 0 is not 1")
		}
		for k := range n / 2 {
			even, odd := roots[2*k], roots[2*k+1]
			if m.times(even, even) != roots[k] || m.times(odd, odd) != m.p-roots[k] {
				t.Fatalf("the roots of nodes %d and %d are not square roots of ±t_%d", 2*k, 2*k+1, k)
			}
			if k > 0 && m.times(roots[k], roots[mirror(k)]) != m.p-m.one {
				t.Fatalf("node %d does not mirror %d", mirror(k), k)
			}
		}
	}
}

func TestPlanHasRoom(t *testing.T) {
	for n := 1; n < 100_000; n = n*11/10 + 1 {
		pl := NewPlan(n, 1)
		if pl.Len() < n || pl.Parts < minParts || pl.Parts > maxParts || n > 100 && pl.Len() > n*5/4+pl.Parts {
			t.Errorf("plan for %d coefficients: %+v", n, pl)
		}
	}
}

func FuzzProduct(f *testing.F) {
	f.Add([]byte("some bytes"), uint16(3), uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, split uint16, step uint8) {
		limbs := make([]uint64, 2+len(data)/4)
		for i, c := range data {
			limbs[i/4] = (limbs[i/4]*40009 + uint64(c)*7_777_777_777_777) % Base
		}
		at := 1 + int(split)%(len(limbs)-1)
		checkProduct(t, limbs[:at], limbs[at:], 1+int(step))
	})
}

func BenchmarkProduct(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000, 185_000} {
		a := largest(n)
		pl := NewPlan(n, n)
		var residues [Moduli][]uint64
		var roots [Moduli][]uint64
		for i := range residues {
			residues[i] = make([]uint64, pl.Len())
			roots[i] = make([]uint64, pl.Roots())
			FillRoots(roots[i], 0, i)
		}
		out, spare := make([]uint64, 2*n), make([]uint64, pl.Size)
		b.Run(fmt.Sprintf("residues/%d", n), func(b *testing.B) {
			for b.Loop() {
				for i := range residues {
					for part := range pl.Parts {
						pl.Residues(residues[i][part*pl.Size:][:pl.Size], spare, a, nil, roots[i], i, part)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pl.Len()), "ns/limb")
		})
		b.Run(fmt.Sprintf("carry/%d", n), func(b *testing.B) {
			for b.Loop() {
				pl.Carry(out, residues, 0, pl.Size)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pl.Len()), "ns/limb")
		})
	}
}
