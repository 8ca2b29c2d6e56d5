package ntt

import "math/bits"

const (
	// Base is the base of the numbers.
	Base = 1_000_000_000_000_000
	// Digits is the number of decimal digits of a limb.
	Digits = 15
	// Moduli is the number of primes.
	Moduli = 2
	// MaxShort is the number of limbs that the shorter factor of a product may have: a coefficient
	// is a sum of so many products of limbs, and stays below the product of the primes.
	MaxShort = 21_000_000

	// A product has between minParts and maxParts parts.
	minParts, maxParts = 4, 7
)

// A Plan says how a product is cut: into Parts polynomials of Size coefficients, a power of two.
type Plan struct{ Parts, Size int }

// NewPlan returns the plan for factors of a and b limbs. Neither is 0.
func NewPlan(a, b int) Plan {
	n := max(a+b-1, 4*minParts) // coefficients
	size := 1 << (bits.Len(uint(n-1)) - 3)
	if size*maxParts < n {
		size *= 2
	}
	return Plan{(n + size - 1) / size, size}
}

// Len returns the number of coefficients that the plan has room for: that many residues there are
// for each prime.
func (pl Plan) Len() int { return pl.Parts * pl.Size }

// Roots returns how long the tables of roots must be: until the mirrors of the last nodes.
func (pl Plan) Roots() int { return (maxParts + 1) * pl.Size / 2 }

// node returns the node of the transform that a part begins with. It is not 0, which has no mirror.
func (pl Plan) node(part int) int { return part + 1 }

// point returns the z of a part's modulus x^Size-z, times 2^64.
func (m *modulus) point(part int) uint64 {
	t := m.rootOf(part + 1)
	return m.times(t, t)
}
