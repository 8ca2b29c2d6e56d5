package pi

import (
	"math/big"
	"slices"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
)

// Newton's iterations below work with numbers of n limbs after the point. All of them approach
// their limit from below, as truncation only takes away from an approximation that is too small.

// startLen is how many limbs math/big computes.
const startLen = 40

// powerOfBase returns base^n.
func powerOfBase(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(ntt.Base), big.NewInt(int64(n)), nil)
}

// halve returns the precision from which one step leads to n limbs.
func halve(n int) int { return n/2 + 2 }

// inverseRoot returns 1/sqrt(a) with n limbs after the point, and an error of a few units of the
// last one. a is an integer between 1 and the base.
func inverseRoot(a uint64, n int, times multiplication) ([]uint64, error) {
	if n <= startLen {
		r := powerOfBase(2 * n)
		return decimal.FromBig(r.Sqrt(r.Quo(r, new(big.Int).SetUint64(a)))), nil
	}
	h := halve(n)
	r, err := inverseRoot(a, h, times)
	if err != nil {
		return nil, err
	}
	// r becomes r + r·(1 - a·r²)/2.
	square, err := times(r, r)
	if err != nil {
		return nil, err
	}
	rest := oneMinus(decimal.TimesWord(square, a), 2*h)
	more, err := times(r, rest) // has 3h limbs after the point
	if err != nil {
		return nil, err
	}
	more = decimal.TimesWord(more, ntt.Base/2) // and 3h+1 now
	return grow(r, h, more, 3*h+1, n), nil
}

// reciprocal returns 1/d with n limbs after the point, and an error of a few units of the last one.
// d has m limbs after the point and lies between 1/base and 1.
func reciprocal(d []uint64, m, n int, times multiplication) ([]uint64, error) {
	if cut := m - (n + 2); cut > 0 {
		// A divisor that is rounded up gives a result that is too small.
		d, m = append(slices.Clone(d[cut:]), 0), n+2
		decimal.Add(d, []uint64{1})
		d = decimal.Trim(d)
	}
	if n <= startLen {
		x := powerOfBase(n + m)
		return decimal.FromBig(x.Quo(x, bigOf(d))), nil
	}
	h := halve(n)
	x, err := reciprocal(d, m, h, times)
	if err != nil {
		return nil, err
	}
	// x becomes x + x·(1 - d·x).
	product, err := times(d, x)
	if err != nil {
		return nil, err
	}
	rest := oneMinus(product, m+h)
	rest = rest[max(0, min(m+h-(n+2), len(rest))):] // has n+2 limbs after the point
	more, err := times(x, rest)
	if err != nil {
		return nil, err
	}
	return grow(x, h, more, n+2+h, n), nil
}

func bigOf(x []uint64) *big.Int {
	value, _ := new(big.Int).SetString(string(decimal.Append(nil, x)), 10) // only digits
	return value
}

// oneMinus returns 1-x, where x, at most 1, has n limbs after the point. It uses the memory of x.
func oneMinus(x []uint64, n int) []uint64 {
	one := make([]uint64, n+1)
	one[n] = 1
	decimal.Sub(one, x)
	return decimal.Trim(one)
}

// grow returns x + more with n limbs after the point; x has h of them, and more has m.
func grow(x []uint64, h int, more []uint64, m, n int) []uint64 {
	sum := make([]uint64, n-h+len(x)+1)
	copy(sum[n-h:], x)
	if cut := m - n; cut < len(more) {
		decimal.Add(sum, more[cut:])
	}
	return decimal.Trim(sum)
}
