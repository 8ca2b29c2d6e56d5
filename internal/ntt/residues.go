package ntt

import "math/bits"

// Residues computes one part of the product of a and b modulo one prime. out has Size elements, as
// has spare, whose contents do not matter. If b is nil, it computes the square of a. roots is the
// table of that prime; see [FillRoots].
func (pl Plan) Residues(out, spare, a, b, roots []uint64, modulus, part int) {
	m, node := moduli[modulus], pl.node(part)
	z := m.point(part)
	m.fold(out, a, z)
	m.forward(out, node, roots)
	if b == nil {
		for i, x := range out {
			x = min(x, x-m.twoP)
			out[i] = m.reduce(bits.Mul64(x, x))
		}
	} else {
		m.fold(spare, b, z)
		m.forward(spare, node, roots)
		for i, x := range out {
			y := spare[i]
			out[i] = m.reduce(bits.Mul64(min(x, x-m.twoP), min(y, y-m.twoP)))
		}
	}
	m.inverse(out, node, roots)
}

// fold sets out to the remainder of the polynomial with coefficients a modulo x^len(out)-z. The
// remainder's are below 2p.
func (m *modulus) fold(out, a []uint64, z uint64) {
	var powers [maxParts]uint64
	chunks := (len(a) + len(out) - 1) / len(out)
	powers[0] = m.one
	for k := 1; k < chunks; k++ {
		powers[k] = m.times(powers[k-1], z)
	}
	// The last chunk may be shorter than the others.
	full := len(a) - (chunks-1)*len(out)
	m.foldRange(out, a, 0, full, powers[:chunks])
	m.foldRange(out, a, full, len(out), powers[:chunks-1])
}

// foldRange sets out[from:to], to which as many chunks of a contribute as there are powers.
func (m *modulus) foldRange(out, a []uint64, from, to int, powers []uint64) {
	n := len(out)
	switch len(powers) {
	case 0:
		clear(out[from:to])
		return
	case 1:
		copy(out[from:to], a[from:to])
		return
	}
	for i := from; i < to; i++ {
		var hi, lo, carry uint64
		j := i
		for _, w := range powers {
			h, l := bits.Mul64(a[j], w)
			lo, carry = bits.Add64(lo, l, 0)
			hi += h + carry
			j += n
		}
		out[i] = m.reduce(hi, lo)
	}
}
