package ntt

import "math/bits"

// The transform takes a polynomial modulo x^(2n)-t² apart into its remainders modulo x^n-t and
// x^n+t, and so on down to n = 1. The first step, modulo x^(2n)-1, is node 0; the two steps that
// follow node k are nodes 2k and 2k+1. Node k needs the root t_k, whose angle, as a part of the full
// turn, is the mirror image of the bits of k: bit i counts 2^-(i+2). So t_0 = 1, t_1 = i, and
// t_2k and t_(2k+1) are the square roots of t_k and -t_k; the table of a short transform begins that
// of a longer one. Nodes from 2^b to 2^(b+1)-1 mirror each other: 1/t_k is -t of node 3·2^b-1-k.

// mirror returns the node whose root is -1/t_k; k is not 0.
func mirror(k int) int { return 3<<(bits.Len(uint(k))-1) - 1 - k }

// FillRoots sets the part of a table of roots of a modulus that begins at index first. Different
// parts can be filled at the same time.
func FillRoots(part []uint64, first, modulus int) {
	m := moduli[modulus]
	for i := 0; i < len(part); {
		k := first + i
		part[i] = m.rootOf(k)
		// The nodes k … k+run-1 differ in their low bits only.
		run := min(1<<bits.TrailingZeros(uint(k|1<<30)), len(part)-i)
		for have := 1; have < run; {
			step := m.rootOf(have)
			more := part[i:][have:min(2*have, run)]
			for j := range more {
				more[j] = m.times(part[i+j], step)
			}
			have += len(more)
		}
		i += run
	}
}

// rootOf returns t_k, times 2^64.
func (m *modulus) rootOf(k int) uint64 {
	return m.power(m.root, bits.Reverse64(uint64(k))>>(64-orderBits+1))
}
