package pi

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// refBits is the binary precision of the reference values, in digits after the
// point for integers and in digits in all for big.Float.
const refBits = 256

// ulp is the distance between floats in [2, 4), where all partial sums except the first lie.
const ulp = 0x1p-51

// maxError is the error that sumBlocks promises, 2^-6 ulp, plus the final rounding.
const maxError = 0.5 + 1.0/64

// checkPi compares sum.Pi() with the exact value and returns the error in ulp.
func checkPi(t *testing.T, n int64, sum fixed, exact *big.Float) float64 {
	t.Helper()
	diff := new(big.Float).SetPrec(refBits).SetFloat64(sum.Pi())
	diff.Sub(diff, exact)
	e, _ := diff.Float64()
	e = math.Abs(e) / ulp
	if e > maxError {
		t.Errorf("n = %d: got %v, off by %.4f ulp", n, sum.Pi(), e)
	}
	return e
}

// eachPartialSum calls check with the exact value of four times the sum of n
// terms, for each n of the ascending list.
func eachPartialSum(ns []int64, check func(n int64, exact *big.Float)) {
	four := new(big.Int).Lsh(big.NewInt(4), refBits)
	sum, term, odd := new(big.Int), new(big.Int), new(big.Int)
	var k int64
	for _, n := range ns {
		for ; k < n; k++ {
			term.Quo(four, odd.SetInt64(2*k+1))
			if k%2 != 0 {
				term.Neg(term)
			}
			sum.Add(sum, term)
		}
		x := new(big.Float).SetInt(sum)
		check(n, x.SetMantExp(x, -refBits))
	}
}

func TestSumBlocksShort(t *testing.T) {
	var ns []int64
	for n := int64(1); n <= 200; n++ {
		ns = append(ns, n)
	}
	for n := int64(256); n <= 1<<19; n *= 2 {
		ns = append(ns, n-1, n, n+1)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for b := int64(1); b <= 8; b++ {
		for d := int64(1); d <= 9; d++ {
			ns = append(ns, b*blockTerms-d, b*blockTerms+d, b*blockTerms+rng.Int64N(blockTerms))
		}
	}
	slices.Sort(ns)
	worst, differ := 0.0, 0
	eachPartialSum(ns, func(n int64, exact *big.Float) {
		sum := sumBlocks(0, blockCount(n), n)
		worst = max(worst, checkPi(t, n, sum, exact))
		if want, _ := exact.Float64(); sum.Pi() != want {
			differ++
		}
	})
	t.Logf("%d sums, worst error %.5f ulp, %d not the nearest float64", len(ns), worst, differ)
}

// asymptotic returns four times the sum of n terms, for large n, by
// pi - (-1)^n (1/n - 1/(4n³) + 5/(16n⁵) - 61/(64n⁷) + ...).
func asymptotic(n int64) *big.Float {
	const digits = "3.14159265358979323846264338327950288419716939937510582097494459"
	pi, _, err := big.ParseFloat(digits, 10, refBits, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	newFloat := func(x int64) *big.Float { return new(big.Float).SetPrec(refBits).SetInt64(x) }
	power := newFloat(n) // n, 4n³, 16n⁵, ...
	fourSquares := new(big.Float).Mul(newFloat(4*n), newFloat(n))
	tail := newFloat(0)
	for _, euler := range []int64{1, -1, 5, -61} {
		tail.Add(tail, new(big.Float).Quo(newFloat(euler), power))
		power.Mul(power, fourSquares)
	}
	if n%2 == 0 {
		tail.Neg(tail)
	}
	return pi.Add(pi, tail)
}

func TestSumBlocksLong(t *testing.T) {
	for _, n := range []int64{1e6, 1e8, 1e9} {
		last := blockCount(n) - 1
		full := sumBlocks(0, last, n)
		for d := int64(-3); d <= 3; d++ {
			sum := full.Add(sumBlocks(last, last+1, n+d))
			e := checkPi(t, n+d, sum, asymptotic(n+d))
			t.Logf("n = %d: %v, error %.5f ulp", n+d, sum.Pi(), e)
		}
	}
}

func TestKnownDigits(t *testing.T) {
	tests := []struct {
		n    int64
		want string
	}{
		{0, "0"},
		{1, "4"},
		{2, "2.6666666666666665"},
		{1e8, "3.141592643589793"},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(sumBlocks(0, blockCount(tt.n), tt.n).Pi()); got != tt.want {
			t.Errorf("n = %d: got %s, want %s", tt.n, got, tt.want)
		}
	}
}

// Far out a whole sum is out of reach, so single blocks are compared.
func TestSumBlockFar(t *testing.T) {
	for _, first := range []int64{1 << 16, 1 << 17, 1 << 26, 1 << 30, 3 << 40, maxTerms - blockTerms} {
		block := first / blockTerms
		for _, terms := range []int64{groupTerms, 5 * groupTerms, blockTerms} {
			exact := new(big.Float).SetPrec(refBits)
			one, odd, term := big.NewFloat(1), new(big.Float), new(big.Float).SetPrec(refBits)
			for k := first; k < first+terms; k++ {
				term.Quo(one, odd.SetInt64(2*k+1))
				if k%2 != 0 {
					term.Neg(term)
				}
				exact.Add(exact, term)
			}
			got := sumBlock(block, terms)
			diff := new(big.Float).SetPrec(refBits).SetFloat64(got)
			diff.Sub(diff, exact)
			relative, _ := diff.Quo(diff, exact).Float64()
			t.Logf("block %d, %d terms: relative error %.2g", block, terms, relative)
			if math.Abs(relative) > 0x1p-49 {
				t.Errorf("block %d, %d terms: got %v, want %v", block, terms, got, exact)
			}
		}
	}
}

func TestGroupingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Blocks [lo, hi), at the start of the series or far out.
		lo := rapid.SampledFrom([]int64{0, 1, 5, 1 << 20, maxTerms/blockTerms - 12}).Draw(t, "lo")
		hi := lo + rapid.Int64Range(1, 12).Draw(t, "blocks")
		n := hi*blockTerms - rapid.Int64Range(0, blockTerms-1).Draw(t, "missing")
		cuts := rapid.SliceOfN(rapid.Int64Range(lo, hi), 0, 5).Draw(t, "cuts")
		cuts = append(cuts, lo, hi)
		slices.Sort(cuts)
		order := make([]int, len(cuts)-1)
		for i := range order {
			order[i] = i
		}
		var got fixed
		for _, i := range rapid.Permutation(order).Draw(t, "order") {
			got = got.Add(sumBlocks(cuts[i], cuts[i+1], n))
		}
		if want := sumBlocks(lo, hi, n); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

func BenchmarkSumBlocks(b *testing.B) {
	const blocks = 64
	for b.Loop() {
		sumBlocks(1, 1+blocks, maxTerms)
	}
	b.ReportMetric(blocks*blockTerms*float64(b.N)/b.Elapsed().Seconds(), "terms/s")
}

func BenchmarkFirstBlock(b *testing.B) {
	for b.Loop() {
		sumBlocks(0, 1, maxTerms)
	}
	b.ReportMetric(blockTerms*float64(b.N)/b.Elapsed().Seconds(), "terms/s")
}
