package factorial

import (
	"math/big"
	"testing"

	"mrrun/internal/decimal"
)

// TestSwing compares the swings up to 3000 with their definition.
func TestSwing(t *testing.T) {
	factorials := everyFactorial(span{0, 3001})
	for n := int64(2); n <= 3000; n++ {
		var words []uint64
		for _, piece := range swingPieces(n, 3) {
			words = append(words, piece.words()...)
		}
		got, _ := new(big.Int).SetString(string(decimal.Append(nil, decimal.Product(words))), 10)
		half := factorials[n/2]
		if got.Mul(got, half).Mul(got, half).Cmp(factorials[n]) != 0 {
			t.Fatalf("the swing of %d is wrong", n)
		}
	}
}

func TestSwingPiecesAreEven(t *testing.T) {
	const limbs = 1000
	for _, n := range []int64{1e6, 3_333_333} {
		for _, piece := range swingPieces(n, limbs) {
			if got := len(decimal.Product(piece.words())); got > 2*limbs {
				t.Errorf("piece %v of the swing of %d has %d limbs", piece.span, n, got)
			}
		}
	}
}

func TestPrimes(t *testing.T) {
	for _, r := range []span{{0, 100}, {2, 3}, {3, 3}, {89, 98}, {1_000_000, 1_200_001}, {99_990_000, 100_000_000}} {
		next := r.Lo
		for p := range primes(r) {
			for ; next < p; next++ {
				if big.NewInt(next).ProbablyPrime(0) {
					t.Fatalf("the prime %d of %v is missing", next, r)
				}
			}
			if !big.NewInt(p).ProbablyPrime(0) {
				t.Fatalf("%d is no prime", p)
			}
			next = p + 1
		}
		for ; next < r.Hi; next++ {
			if big.NewInt(next).ProbablyPrime(0) {
				t.Fatalf("the prime %d of %v is missing", next, r)
			}
		}
	}
}
