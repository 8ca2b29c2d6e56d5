package pi

import (
	"testing"
)

func init() {
	if hasAVX512 {
		kernels["AVX-512"] = sumGroupsAVX512
	}
	if hasAVX2 {
		kernels["AVX2"] = sumGroupsAVX2
	}
}

// Each choice of a kernel gives the same sums of blocks.
func TestSumBlockByEachKernel(t *testing.T) {
	wide, narrow := hasAVX512, hasAVX2
	t.Cleanup(func() { hasAVX512, hasAVX2 = wide, narrow })
	for _, terms := range []int64{blockTerms, blockTerms - 8, 16, 8, 0} {
		for _, block := range []int64{1, 2, 12345, maxTerms/blockTerms - 1} {
			hasAVX512, hasAVX2 = false, false
			want := sumBlock(block, terms)
			for _, level := range [][2]bool{{false, narrow}, {wide, narrow}} {
				hasAVX512, hasAVX2 = level[0], level[1]
				if got := sumBlock(block, terms); got != want {
					t.Errorf("block %d, %d terms, AVX-512 and AVX2 %v: %x instead of %x", block, terms, level, got, want)
				}
			}
		}
	}
}
