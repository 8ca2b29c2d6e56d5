package pi

import (
	"golang.org/x/sync/errgroup"

	"mrrun/internal/decimal"
	"mrrun/internal/ntt"
)

// The series of the Chudnovsky brothers gives 14 digits a term:
//
//	1/pi = 12 · sum (-1)^k (6k)! (13591409 + 545140134k) / ((3k)! (k!)³ 640320^(3k+3/2))
//
// Binary splitting keeps for the terms from a to b-1 the products P and Q, which take the terms
// before a to those of b, and the sum T over the common denominator Q; see [merge]. The terms
// alternate, and each outweighs all that follow. So the sign of T is that of term a: only the
// magnitude is kept.
const digitsPerTerm = 14.181647462725477

// A partialSum is P, Q and T of some terms.
type partialSum struct{ P, Q, T []uint64 }

// A multiplication returns the product of two numbers.
type multiplication func(a, b []uint64) ([]uint64, error)

func timesHere(a, b []uint64) ([]uint64, error) { return decimal.Times(a, b), nil }

// termsOneByOne is how many terms are added one after the other.
const termsOneByOne = 12

// splitTerms returns the sum of the terms from a to b-1, of which there is at least one.
func splitTerms(a, b int64) partialSum {
	if b-a > termsOneByOne {
		middle := a + (b-a)/2
		return mergeHere(splitTerms(a, middle), splitTerms(middle, b), (middle-a)%2 != 0)
	}
	s := partialSum{P: []uint64{1}, Q: []uint64{1}}
	for k := a; k < b; k++ {
		if k == 0 {
			s.T = []uint64{13591409}
		} else {
			s.add(uint64(k), (k-a)%2 != 0)
		}
	}
	return s
}

// factors returns numbers below the base whose products are the P and the Q of term k, which is not
// term 0, and what T is of P.
func factors(k uint64) (p [2]uint64, q [3]uint64, t uint64) {
	return [2]uint64{(6*k - 5) * (2*k - 1), 6*k - 1},
		[3]uint64{640320 * k, 640320 * k, 640320 / 24 * k},
		545140134*k + 13591409
}

// add adds term k, which is not term 0; minus says that its sign differs from that of the sum.
func (s *partialSum) add(k uint64, minus bool) {
	p, q, t := factors(k)
	for _, w := range p {
		s.P = decimal.TimesWord(s.P, w)
	}
	for _, w := range q {
		s.Q = decimal.TimesWord(s.Q, w)
		s.T = decimal.TimesWord(s.T, w)
	}
	s.T = combine(s.T, decimal.Times(s.P, decimal.Trim([]uint64{t % ntt.Base, t / ntt.Base})), minus)
}

// combine returns x+y, or x-y, in the memory of x if there is enough.
func combine(x, y []uint64, minus bool) []uint64 {
	if minus {
		decimal.Sub(x, y)
		return decimal.Trim(x)
	}
	for len(x) <= len(y) {
		x = append(x, 0)
	}
	x = append(x, 0)
	decimal.Add(x, y)
	return decimal.Trim(x)
}

// mergeHere returns the sum of terms and those that follow them: see [merge].
func mergeHere(a, b partialSum, odd bool) partialSum {
	return partialSum{
		P: decimal.Times(a.P, b.P),
		Q: decimal.Times(a.Q, b.Q),
		T: combine(decimal.Times(a.T, b.Q), decimal.Times(a.P, b.T), odd),
	}
}

// merge returns the sum of terms and those that follow them, with its products computed at the same
// time. odd says that the number of the first terms is odd, so that the signs of the two differ. P
// is left out unless it is needed.
func merge(a, b partialSum, odd, needP bool, times multiplication) (s partialSum, err error) {
	var rest []uint64
	var all errgroup.Group
	compute := func(to *[]uint64, x, y []uint64) {
		all.Go(func() (err error) {
			*to, err = times(x, y)
			return err
		})
	}
	compute(&s.T, a.T, b.Q)
	compute(&rest, a.P, b.T)
	compute(&s.Q, a.Q, b.Q)
	if needP {
		compute(&s.P, a.P, b.P)
	}
	if err := all.Wait(); err != nil {
		return s, err
	}
	s.T = combine(s.T, rest, odd)
	return s, nil
}

// check reports whether s is the sum of the terms before end, modulo a random prime.
func (s partialSum) check(end int64) bool {
	c := decimal.NewCheck()
	p, q, t := uint64(1), uint64(1), uint64(13591409)
	for k := uint64(1); k < uint64(end); k++ {
		fp, fq, ft := factors(k)
		for _, w := range fp {
			p = c.Times(p, w)
		}
		for _, w := range fq {
			q, t = c.Times(q, w), c.Times(t, w)
		}
		next := c.Times(p, ft)
		if k%2 != 0 {
			next = c.Prime - next
		}
		t = c.Plus(t, next)
	}
	return q == c.Residue(s.Q) && t == c.Residue(s.T)
}
