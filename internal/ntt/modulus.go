package ntt

import "math/bits"

// A modulus is a prime below 2^62 of the form h·2^32+1, so that it has roots of unity of every
// order up to 2^32. A product of residues comes out divided by 2^64 (Montgomery), which constants
// make good: they are kept multiplied by 2^64.
type modulus struct {
	p, twoP uint64
	inv     uint64 // of p, modulo 2^64
	one     uint64 // 2^64 mod p
	square  uint64 // 2^128 mod p
	root    uint64 // of order 2^32, times 2^64
}

// moduli are the primes of a product. Two of them bound its coefficients by 2^124.
var moduli = [Moduli]*modulus{
	newModulus(0x3fffff5d00000001, 5),
	newModulus(0x3fffff4900000001, 3),
}

const orderBits = 32

// newModulus describes the prime p, modulo which nonResidue is not a square.
func newModulus(p, nonResidue uint64) *modulus {
	m := &modulus{p: p, twoP: 2 * p, inv: 1}
	for range 6 { // each step doubles the number of right bits
		m.inv *= 2 - p*m.inv
	}
	_, m.one = bits.Div64(1, 0, p)
	_, m.square = bits.Div64(m.one, 0, p)
	m.root = m.power(m.times(nonResidue, m.square), (p-1)>>orderBits)
	return m
}

// reduce returns (hi·2^64 + lo)/2^64 modulo p, between 0 and hi+p.
func (m *modulus) reduce(hi, lo uint64) uint64 {
	q, _ := bits.Mul64(lo*m.inv, m.p)
	return hi - q + m.p
}

// below brings x, less than 2p, below p.
func (m *modulus) below(x uint64) uint64 { return min(x, x-m.p) }

// times returns x·y/2^64 modulo p, below p, if x·y is below 2^64·p.
func (m *modulus) times(x, y uint64) uint64 { return m.below(m.reduce(bits.Mul64(x, y))) }

// power returns the e-th power of x, both times 2^64.
func (m *modulus) power(x, e uint64) uint64 {
	y := m.one
	for ; e > 0; e >>= 1 {
		if e&1 != 0 {
			y = m.times(y, x)
		}
		x = m.times(x, x)
	}
	return y
}

// reciprocal returns 1/x, both times 2^64.
func (m *modulus) reciprocal(x uint64) uint64 { return m.power(x, m.p-2) }

// minus returns x-y, all below p.
func (m *modulus) minus(x, y uint64) uint64 {
	d := x - y
	return min(d, d+m.p)
}
