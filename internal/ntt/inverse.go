package ntt

import "math/bits"

// inverse undoes forward, and multiplies by the number of coefficients. They and the values are
// below 2p. The node is not 0.
func (m *modulus) inverse(x []uint64, node int, roots []uint64) {
	if len(x) > blockLen {
		q := len(x) / 4
		for i := range 4 {
			m.inverse(x[i*q:][:q], 4*node+i, roots)
		}
		k := mirror(node)
		m.inverseFour(x, roots[k], roots[2*k+1], roots[2*k])
		return
	}
	blocks := len(x) / 4
	if blocks > 0 {
		m.inverseFirst(x, mirror(node*blocks), roots)
	}
	n := 16
	for ; n <= len(x); n *= 4 {
		blocks = len(x) / n
		for b := range blocks {
			k := mirror(node*blocks + b)
			m.inverseFour(x[b*n:][:n], roots[k], roots[2*k+1], roots[2*k])
		}
	}
	if n == 2*len(x) {
		m.inverseTwo(x, roots[mirror(node)])
	}
}

// inverseTwo undoes one layer of one block. The root is that of the mirrored node.
func (m *modulus) inverseTwo(x []uint64, w uint64) {
	p, twoP := m.p, m.twoP
	v := w * m.inv
	lo := x[:len(x)/2]
	hi := x[len(lo):][:len(lo)]
	for i, a := range lo {
		b := hi[i]
		s, d := a+b, b-a+twoP
		h, _ := bits.Mul64(d, w)
		g, _ := bits.Mul64(d*v, p)
		lo[i], hi[i] = min(s, s-twoP), h-g+p
	}
}

// inverseFour undoes two layers of one block.
func (m *modulus) inverseFour(x []uint64, w1, w2, w3 uint64) {
	p, twoP := m.p, m.twoP
	v1, v2, v3 := w1*m.inv, w2*m.inv, w3*m.inv
	n := len(x) / 4
	x0 := x[:n]
	x1 := x[n:][:len(x0)]
	x2 := x[2*n:][:len(x0)]
	x3 := x[3*n:][:len(x0)]
	for i := range x0 {
		a, b := x0[i], x1[i]
		a, b = a+b, b-a+twoP
		a = min(a, a-twoP)
		h, _ := bits.Mul64(b, w2)
		g, _ := bits.Mul64(b*v2, p)
		b = h - g + p
		c, d := x2[i], x3[i]
		c, d = c+d, d-c+twoP
		c = min(c, c-twoP)
		h, _ = bits.Mul64(d, w3)
		g, _ = bits.Mul64(d*v3, p)
		d = h - g + p
		a, c = a+c, c-a+twoP
		x0[i] = min(a, a-twoP)
		h, _ = bits.Mul64(c, w1)
		g, _ = bits.Mul64(c*v1, p)
		x2[i] = h - g + p
		b, d = b+d, d-b+twoP
		x1[i] = min(b, b-twoP)
		h, _ = bits.Mul64(d, w1)
		g, _ = bits.Mul64(d*v1, p)
		x3[i] = h - g + p
	}
}

// inverseFirst undoes the last two layers of a transform. k is the mirror of the upper layer's
// first node.
func (m *modulus) inverseFirst(x []uint64, k int, roots []uint64) {
	p, twoP, inv := m.p, m.twoP, m.inv
	for ; len(x) >= 4; x, k = x[4:], k-1 {
		s := (*[4]uint64)(x)
		w1, w2, w3 := roots[k], roots[2*k+1], roots[2*k]
		a, b := s[0], s[1]
		a, b = a+b, b-a+twoP
		a = min(a, a-twoP)
		h, _ := bits.Mul64(b, w2)
		g, _ := bits.Mul64(b*(w2*inv), p)
		b = h - g + p
		c, d := s[2], s[3]
		c, d = c+d, d-c+twoP
		c = min(c, c-twoP)
		h, _ = bits.Mul64(d, w3)
		g, _ = bits.Mul64(d*(w3*inv), p)
		d = h - g + p
		a, c = a+c, c-a+twoP
		s[0] = min(a, a-twoP)
		v1 := w1 * inv
		h, _ = bits.Mul64(c, w1)
		g, _ = bits.Mul64(c*v1, p)
		s[2] = h - g + p
		b, d = b+d, d-b+twoP
		s[1] = min(b, b-twoP)
		h, _ = bits.Mul64(d, w1)
		g, _ = bits.Mul64(d*v1, p)
		s[3] = h - g + p
	}
}
