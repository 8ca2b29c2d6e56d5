package ntt

import "math/bits"

// blockLen is the length from which on a transform is done layer by layer: such a block stays in
// the first-level cache.
const blockLen = 1 << 11

// forward replaces the coefficients of a polynomial modulo x^n-t², where t is the root of a node,
// by its values. They and the coefficients are below 4p. n is a power of two.
func (m *modulus) forward(x []uint64, node int, roots []uint64) {
	if len(x) > blockLen {
		q := len(x) / 4
		m.forwardFour(x, roots[node], roots[2*node], roots[2*node+1])
		for i := range 4 {
			m.forward(x[i*q:][:q], 4*node+i, roots)
		}
		return
	}
	n, blocks := len(x), 1
	if bits.TrailingZeros(uint(n))&1 != 0 {
		m.forwardTwo(x, roots[node])
		n, blocks, node = n/2, 2, 2*node
	}
	for ; n > 4; n, blocks, node = n/4, 4*blocks, 4*node {
		for b := range blocks {
			k := node + b
			m.forwardFour(x[b*n:][:n], roots[k], roots[2*k], roots[2*k+1])
		}
	}
	if n == 4 {
		m.forwardLast(x, roots[node:][:blocks], roots[2*node:][:2*blocks])
	}
}

// forwardTwo does one layer of one block.
func (m *modulus) forwardTwo(x []uint64, w uint64) {
	p, twoP := m.p, m.twoP
	v := w * m.inv
	lo := x[:len(x)/2]
	hi := x[len(lo):][:len(lo)]
	for i, a := range lo {
		b := hi[i]
		h, _ := bits.Mul64(b, w)
		g, _ := bits.Mul64(b*v, p)
		a = min(a, a-twoP) + p
		lo[i], hi[i] = a+(h-g), a-(h-g)
	}
}

// forwardFour does two layers of one block.
func (m *modulus) forwardFour(x []uint64, w1, w2, w3 uint64) {
	p, twoP := m.p, m.twoP
	v1, v2, v3 := w1*m.inv, w2*m.inv, w3*m.inv
	n := len(x) / 4
	x0 := x[:n]
	x1 := x[n:][:len(x0)]
	x2 := x[2*n:][:len(x0)]
	x3 := x[3*n:][:len(x0)]
	for i := range x0 {
		c := x2[i]
		h, _ := bits.Mul64(c, w1)
		g, _ := bits.Mul64(c*v1, p)
		c = h - g
		a := x0[i]
		a = min(a, a-twoP) + p
		a, c = a+c, a-c
		d := x3[i]
		h, _ = bits.Mul64(d, w1)
		g, _ = bits.Mul64(d*v1, p)
		d = h - g
		b := x1[i]
		b = min(b, b-twoP) + p
		b, d = b+d, b-d
		h, _ = bits.Mul64(b, w2)
		g, _ = bits.Mul64(b*v2, p)
		b = h - g
		a = min(a, a-twoP) + p
		x0[i], x1[i] = a+b, a-b
		h, _ = bits.Mul64(d, w3)
		g, _ = bits.Mul64(d*v3, p)
		d = h - g
		c = min(c, c-twoP) + p
		x2[i], x3[i] = c+d, c-d
	}
}

// forwardLast does the last two layers; upper and lower are their roots.
func (m *modulus) forwardLast(x, upper, lower []uint64) {
	p, twoP, inv := m.p, m.twoP, m.inv
	for _, w1 := range upper {
		w2, w3 := lower[0], lower[1]
		lower = lower[2:]
		s := (*[4]uint64)(x)
		x = x[4:]
		a, b, c, d := s[0], s[1], s[2], s[3]
		v1 := w1 * inv
		h, _ := bits.Mul64(c, w1)
		g, _ := bits.Mul64(c*v1, p)
		c = h - g
		h, _ = bits.Mul64(d, w1)
		g, _ = bits.Mul64(d*v1, p)
		d = h - g
		a = min(a, a-twoP) + p
		b = min(b, b-twoP) + p
		a, c = a+c, a-c
		b, d = b+d, b-d
		h, _ = bits.Mul64(b, w2)
		g, _ = bits.Mul64(b*(w2*inv), p)
		b = h - g
		h, _ = bits.Mul64(d, w3)
		g, _ = bits.Mul64(d*(w3*inv), p)
		d = h - g
		a = min(a, a-twoP) + p
		c = min(c, c-twoP) + p
		s[0], s[1], s[2], s[3] = a+b, a-b, c+d, c-d
	}
}
