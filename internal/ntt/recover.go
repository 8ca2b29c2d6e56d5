package ntt

import (
	"math/bits"
	"sync"
)

// A matrix takes the values of a polynomial of degree below Parts at the points of the parts to its
// coefficients.
type matrix [maxParts][maxParts]uint64

var matrices [maxParts + 1][Moduli]func() *matrix

func init() {
	for parts := minParts; parts <= maxParts; parts++ {
		for i, m := range moduli {
			matrices[parts][i] = sync.OnceValue(func() *matrix { return m.interpolation(parts) })
		}
	}
}

// interpolation returns the matrix for so many parts, times 2^64.
func (m *modulus) interpolation(parts int) *matrix {
	var to matrix
	for r := range parts {
		// Row by row, the coefficients of the polynomial that is 1 at point r and 0 at the others.
		basis := [maxParts + 1]uint64{m.one}
		scale := m.one
		for s := range parts {
			if s == r {
				continue
			}
			z := m.point(s)
			for k := parts - 1; k > 0; k-- {
				basis[k] = m.minus(basis[k-1], m.times(basis[k], z))
			}
			basis[0] = m.minus(0, m.times(basis[0], z))
			scale = m.times(scale, m.minus(m.point(r), z))
		}
		scale = m.reciprocal(scale)
		for k := range parts {
			to[k][r] = m.times(basis[k], scale)
		}
	}
	return &to
}

// interpolation returns the matrix that also undoes the factor Size of an inverse transform and the
// factor 2^-64 of the product of two values.
func (pl Plan) interpolation(modulus int) matrix {
	m := moduli[modulus]
	to := *matrices[pl.Parts][modulus]()
	size := m.reciprocal(m.times(uint64(pl.Size), m.square)) // 2^64/Size
	scale := m.times(size, m.square)                         // 2^128/Size
	for k := range pl.Parts {
		for r := range pl.Parts {
			to[k][r] = m.times(to[k][r], scale)
		}
	}
	return to
}

// A Carry is what a stretch of limbs carries to the limb with index At.
type Carry struct {
	At     int
	Hi, Lo uint64
}

// Carry computes the limbs of the product whose index modulo Size is in [from,to), and writes those
// that out has a place for; the others are 0. The residues of each prime are those of all parts, one
// after the other. It returns what is carried beyond each stretch, to be added when all limbs are
// written.
func (pl Plan) Carry(out []uint64, residues [Moduli][]uint64, from, to int) []Carry {
	var rows [Moduli]matrix
	for i := range rows {
		rows[i] = pl.interpolation(i)
	}
	m, n := moduli[0], moduli[1]
	ratio := n.reciprocal(n.times(m.p-n.p, n.square)) // 2^64 / m.p
	carries := make([]Carry, pl.Parts)
	var x, y [maxParts]uint64
	for i := from; i < to; i++ {
		for r := range pl.Parts {
			x[r] = residues[0][r*pl.Size+i]
			y[r] = residues[1][r*pl.Size+i]
		}
		for k := range carries {
			a := m.dot(&rows[0][k], &x, pl.Parts)
			b := n.dot(&rows[1][k], &y, pl.Parts)
			// The coefficient is a + p·((b-a)/p mod n.p).
			hi, lo := bits.Mul64(m.p, n.times(n.minus(b, n.below(a)), ratio))
			lo, carry := bits.Add64(lo, a, 0)
			hi += carry
			c := &carries[k]
			lo, carry = bits.Add64(lo, c.Lo, 0)
			hi += c.Hi + carry
			c.Hi = hi / Base
			var limb uint64
			c.Lo, limb = bits.Div64(hi%Base, lo, Base)
			if at := k*pl.Size + i; at < len(out) {
				out[at] = limb
			}
		}
	}
	for k := range carries {
		carries[k].At = k*pl.Size + to
	}
	if to == pl.Size && len(out) > pl.Len() {
		clear(out[pl.Len():]) // only a carry comes there
	}
	return carries
}

// dot returns the scalar product of a row and values below 2p, below p.
func (m *modulus) dot(row, values *[maxParts]uint64, n int) uint64 {
	var hi, lo, carry uint64
	for i, w := range row[:n] {
		h, l := bits.Mul64(w, values[i])
		lo, carry = bits.Add64(lo, l, 0)
		hi += h + carry
	}
	x := m.reduce(min(hi, hi-m.twoP), lo) // below 3p
	return m.below(m.below(x))
}

// AddCarry adds c to the limbs.
func AddCarry(limbs []uint64, c Carry) {
	hi, lo := c.Hi, c.Lo
	for i := c.At; hi|lo != 0; i++ {
		var carry uint64
		lo, carry = bits.Add64(lo, limbs[i], 0)
		hi += carry
		high := hi / Base
		lo, limbs[i] = bits.Div64(hi%Base, lo, Base)
		hi = high
	}
}
