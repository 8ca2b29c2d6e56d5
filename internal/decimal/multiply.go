package decimal

import (
	"math/bits"
	"sync"

	"mrrun/internal/ntt"
)

// schoolLen is the length of the shorter factor up to which the school method is faster than
// transforms.
const schoolLen = 120

// Times returns a·b. The shorter factor must not have more than [ntt.MaxShort] limbs.
func Times(a, b []uint64) []uint64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) == 0 {
		return nil
	}
	out := make([]uint64, len(a)+len(b))
	if len(b) <= schoolLen {
		school(out, a, b)
	} else {
		m := transformers.Get().(*transformer)
		m.times(out, a, b)
		transformers.Put(m)
	}
	return Trim(out)
}

// school sets out to a·b; len(out) is len(a)+len(b).
func school(out, a, b []uint64) {
	var hi, lo uint64 // the sum of a column and of what the columns before it carry
	for k := range out {
		for i := max(0, k-len(b)+1); i < min(k+1, len(a)); i++ {
			h, l := bits.Mul64(a[i], b[k-i])
			var carry uint64
			lo, carry = bits.Add64(lo, l, 0)
			hi += h + carry
		}
		high := hi / base
		lo, out[k] = bits.Div64(hi%base, lo, base)
		hi = high
	}
}

// A transformer has what is worth keeping from one product to the next.
type transformer struct {
	roots, residues [ntt.Moduli][]uint64
	spare           []uint64
}

var transformers = sync.Pool{New: func() any { return new(transformer) }}

// times sets out to a·b; len(out) is len(a)+len(b).
func (m *transformer) times(out, a, b []uint64) {
	plan := ntt.NewPlan(len(a), len(b))
	if len(m.spare) < plan.Size {
		m.spare = make([]uint64, plan.Size)
		for i := range m.roots {
			m.roots[i] = make([]uint64, plan.Roots())
			ntt.FillRoots(m.roots[i], 0, i)
		}
	}
	if &a[0] == &b[0] && len(a) == len(b) {
		b = nil // a square
	}
	for i := range m.residues {
		if len(m.residues[i]) < plan.Len() {
			m.residues[i] = make([]uint64, plan.Len())
		}
		for part := range plan.Parts {
			to := m.residues[i][part*plan.Size:][:plan.Size]
			plan.Residues(to, m.spare[:plan.Size], a, b, m.roots[i], i, part)
		}
	}
	for _, c := range plan.Carry(out, m.residues, 0, plan.Size) {
		ntt.AddCarry(out, c)
	}
}

// wordsOneByOne is how many words are multiplied one after the other.
const wordsOneByOne = 60

// Product returns the product of words, which are below the base and not 0. That of none is 1.
func Product(words []uint64) []uint64 {
	if len(words) <= wordsOneByOne {
		x := make([]uint64, 1, 1+len(words))
		x[0] = 1
		for _, w := range words {
			x = TimesWord(x, w)
		}
		return x
	}
	half := len(words) / 2
	return Times(Product(words[:half]), Product(words[half:]))
}
