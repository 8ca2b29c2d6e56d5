package decimal

import (
	"crypto/rand"
	"math/bits"
)

// A Check computes modulo a prime, to check long products by their residues.
type Check struct{ Prime uint64 }

// NewCheck returns a Check with a random prime of 61 bits. A wrong product of a billion digits, say,
// has less than 2^26 prime factors of that size, so it goes unnoticed with a probability below 2^-28.
func NewCheck() Check {
	q, err := rand.Prime(rand.Reader, 61)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return Check{q.Uint64()}
}

// Times returns x·y; one of them is below the prime.
func (c Check) Times(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return bits.Rem64(hi, lo, c.Prime)
}

// Plus returns x+y, both below the prime.
func (c Check) Plus(x, y uint64) uint64 { return (x + y) % c.Prime }

// Shift returns x·10^(15n): what x stands for n limbs further up.
func (c Check) Shift(x uint64, n int) uint64 {
	for power := uint64(base) % c.Prime; n > 0; n >>= 1 {
		if n&1 != 0 {
			x = c.Times(x, power)
		}
		power = c.Times(power, power)
	}
	return x
}

// Residue returns x modulo the prime.
func (c Check) Residue(x []uint64) uint64 {
	const lanes = 4 // the divisions of different lanes overlap
	var sums [lanes]uint64
	step := c.Shift(1, lanes)
	for len(x)%lanes != 0 {
		sums[0] = c.Plus(c.Shift(sums[0], 1), x[len(x)-1])
		x = x[:len(x)-1]
	}
	for ; len(x) > 0; x = x[:len(x)-lanes] {
		for j, limb := range x[len(x)-lanes:] {
			hi, lo := bits.Mul64(sums[j], step)
			lo, carry := bits.Add64(lo, limb, 0)
			sums[j] = bits.Rem64(hi+carry, lo, c.Prime)
		}
	}
	var sum uint64
	for j := lanes - 1; j >= 0; j-- {
		sum = c.Plus(c.Shift(sum, 1), sums[j])
	}
	return sum
}
