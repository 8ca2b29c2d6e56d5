package pi

import "math/bits"

const (
	// blockTerms is the number of terms in a block, the unit of work. Block b
	// holds the terms k with b*blockTerms <= k < (b+1)*blockTerms.
	blockTerms = 1 << 16

	// maxTerms bounds the length of the series: up to here every odd number
	// 2k+1, and every group centre in sumBlock, is exact as a float64.
	maxTerms = 1 << 52

	// groupTerms is the number of terms that sumBlock adds with one division.
	groupTerms = 8

	// step is the distance from the centre of a group to that of the next.
	step = 2 * groupTerms
)

// blockCount returns the number of blocks in a series of n terms. The last one
// may be partial.
func blockCount(n int64) int64 {
	return (n + blockTerms - 1) / blockTerms
}

// sumBlocks returns the sum of the blocks [lo, hi) of the first n terms of
// 1 - 1/3 + 1/5 - ..., n <= maxTerms. Blocks beyond the n terms count as empty.
//
// Each block is rounded on its own and then added exactly. So the sums of
// disjoint ranges add up to the sum of their union, bit for bit.
//
// The first block is worth nearly all of the sum and would bring nearly all of
// the rounding error, so its terms are added in fixed point, with an error below
// 2^-110. All other blocks together are worth less than 2^-18, with a relative
// error below 2^-43 (see sumBlock). Four times the sum, an error below 2^-57, is
// thus within 2^-6 units in the last place of the exact value, before it is
// rounded to a float64.
func sumBlocks(lo, hi, n int64) fixed {
	var sum fixed
	for block := lo; block < min(hi, blockCount(n)); block++ {
		first := block * blockTerms
		end := min(first+blockTerms, n)
		if block == 0 {
			sum = sum.Add(sumTerms(first, end))
			continue
		}
		grouped := (end - first) / groupTerms * groupTerms
		sum = sum.Add(fromFloat(sumBlock(block, grouped)))
		sum = sum.Add(sumTerms(first+grouped, end))
	}
	return sum
}

// sumTerms returns the sum of the terms lo <= k < hi, each cut off below 2^-126.
func sumTerms(lo, hi int64) fixed {
	var sum fixed
	for k := lo; k < hi; k++ {
		odd := uint64(2*k + 1)
		q, r := bits.Div64(0, 1<<(fracBits-64), odd)
		var term fixed
		term.Hi = q
		term.Lo, _ = bits.Div64(r, 0, odd)
		if k%2 != 0 {
			term = term.neg()
		}
		sum = sum.Add(term)
	}
	return sum
}

// sumBlock returns the sum of the first terms terms, a multiple of groupTerms,
// of a block other than block 0.
//
// The eight terms 1/(c-7) - 1/(c-5) + ... - 1/(c+7) around the even number c add
// up, with s = c², to
//
//	8(s³ - 23s² + 331s + 1995) / ((s-1)(s-9)(s-25)(s-49)) = 8 / (s - 61 + r)
//	r = 240(s² + 22s + 553) / (s³ - 23s² + 331s + 1995)
//
// From block 1 on, s > 2^34 and so r < 241/s < 2^-26, while neighbouring float64
// values near s are at least 2^-18 apart. In float64 arithmetic r is less than
// 1/256 of the last place of s, far below the rounding of the subtraction, and
// is left out. (In block 0 it would count.)
//
// A group then suffers three roundings: of the square, the difference and the
// quotient, each at most 2^-53 of the value. The quotients are all positive, so
// no more than 527 additions in a lane add 2^-53 each, whatever k is: less than
// 2^-43 of the sum in all.
//
// The order of the operations, smallest terms first in each lane, is fixed, and
// no product is fused with a subtraction: the result has the same bits on every
// CPU.
func sumBlock(block, terms int64) float64 {
	groups := terms / groupTerms
	centre := float64(2*(block*blockTerms+terms) - groupTerms) // of the last group
	var sums lanes
	for ; groups%int64(len(sums)) != 0; groups-- {
		sums[0] += group(centre)
		centre -= step
	}
	sumGroups(&sums, centre, groups/int64(len(sums)))
	for n := len(sums) / 2; n > 0; n /= 2 {
		for i := range n {
			sums[i] += sums[i+n]
		}
	}
	return sums[0]
}
