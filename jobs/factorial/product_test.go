package factorial

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// reference multiplies lo..hi-1 with math/big alone.
func reference(r span) *big.Int {
	if r.Lo >= r.Hi {
		return big.NewInt(1)
	}
	return new(big.Int).MulRange(r.Lo, r.Hi-1)
}

func TestProduct(t *testing.T) {
	tests := []struct {
		r    span
		want string
	}{
		{span{2, 1}, "1"},
		{span{2, 2}, "1"},
		{span{2, 3}, "2"},
		{span{0, 1}, "0"},
		{span{0, 1000}, "0"},
		{span{1, 11}, "3628800"},
		{span{1, 26}, "15511210043330985984000000"},
		{span{9223372036854775805, 9223372036854775807}, "85070591730234615819726791673668173830"},
	}
	for _, tt := range tests {
		if got := product(tt.r).String(); got != tt.want {
			t.Errorf("product(%v) = %s, want %s", tt.r, got, tt.want)
		}
	}
}

func TestProductIsMulRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.OneOf(rapid.Int64Range(0, 300), rapid.Int64Range(0, 1<<62)).Draw(t, "lo")
		r := span{lo, lo + rapid.Int64Range(0, 1500).Draw(t, "count")}
		if product(r).Cmp(reference(r)) != 0 {
			t.Fatalf("product(%v) is not the product", r)
		}
	})
}

func TestSplitProductEdges(t *testing.T) {
	tests := []struct {
		n     int64
		parts int
		want  []span
	}{
		{-1, 4, nil},
		{0, 4, nil},
		{1, 4, nil},
		{2, 4, []span{{2, 3}}},
		{3, 4, []span{{2, 3}, {3, 4}}},
		{10, 1, []span{{2, 11}}},
		{10, 0, []span{{2, 11}}},
		{10, -1, []span{{2, 11}}},
	}
	for _, tt := range tests {
		if got := splitProduct(tt.n, tt.parts); !equalRanges(got, tt.want) {
			t.Errorf("splitProduct(%d, %d) = %v, want %v", tt.n, tt.parts, got, tt.want)
		}
	}
}

func equalRanges(a, b []span) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// checkCover fails unless ranges are non-empty and cover whole in order,
// without gaps.
func checkCover(t *rapid.T, ranges []span, whole span) {
	at := whole.Lo
	for _, r := range ranges {
		if r.Lo != at || r.Hi <= r.Lo {
			t.Fatalf("range %v does not follow %d", r, at)
		}
		at = r.Hi
	}
	if at != max(whole.Lo, whole.Hi) {
		t.Fatalf("ranges end at %d, want %d", at, whole.Hi)
	}
}

func TestSplitProductCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.Int64Range(2, 100), rapid.Int64Range(2, 1<<40)).Draw(t, "n")
		parts := rapid.IntRange(1, 200).Draw(t, "parts")
		ranges := splitProduct(n, parts)
		checkCover(t, ranges, span{2, n + 1})
		if want := min(int64(parts), n-1); int64(len(ranges)) != want {
			t.Fatalf("%d ranges, want %d", len(ranges), want)
		}
	})
}

func TestSplitProductIsEven(t *testing.T) {
	const n, parts = 50_000, 16
	want := log2Factorial(n) / parts
	var products []*big.Int
	for _, r := range splitProduct(n, parts) {
		p := product(r)
		if got := float64(p.BitLen()); got < 0.99*want || got > 1.01*want {
			t.Errorf("product of %v has %.0f bits, want about %.0f", r, got, want)
		}
		products = append(products, p)
	}
	if productTree(products).Cmp(reference(span{1, n + 1})) != 0 {
		t.Error("the parts do not multiply to n!")
	}
}

func TestProductTree(t *testing.T) {
	if got := productTree(nil); got.Cmp(big.NewInt(1)) != 0 {
		t.Errorf("productTree(nil) = %s, want 1", got)
	}
	var parts []*big.Int
	for i := int64(1); i <= 33; i++ {
		parts = append(parts, big.NewInt(i))
		if got := productTree(parts); got.Cmp(reference(span{1, i + 1})) != 0 {
			t.Errorf("productTree(1..%d) = %s", i, got)
		}
	}
	for i, p := range parts {
		if p.Int64() != int64(i+1) {
			t.Errorf("part %d became %s", i, p)
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	for b.Loop() {
		product(span{2, 100_001})
	}
}

func BenchmarkMulRange(b *testing.B) {
	for b.Loop() {
		new(big.Int).MulRange(2, 100_000)
	}
}
