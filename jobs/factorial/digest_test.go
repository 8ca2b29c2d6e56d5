package factorial

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestDigestOf(t *testing.T) {
	tests := []struct {
		n    int64
		want digest
	}{
		{0, digest{1, "1", "1", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}},
		{25, digest{26, "15511210043330985984", "10043330985984000000", "18825bc0b987d768d250f6629e60092357649e9e6b40ba5678fed545e7e186b0"}},
		{1000, digest{2568, "40238726007709377354", "00000000000000000000", "cc336cf135d690c1105664b3b859db66b940db51cd66cf891fee120584cf7873"}},
	}
	for _, tt := range tests {
		got := digestOf(reference(span{1, tt.n + 1}).Append(nil, 10))
		if got != tt.want {
			t.Errorf("digest of %d! = %+v, want %+v", tt.n, got, tt.want)
		}
	}
}

func TestResidueEdges(t *testing.T) {
	for _, text := range []string{"0", "1", "-1", "2305843009213693950", "2305843009213693951", "2305843009213693952", "-2305843009213693951"} {
		x, _ := new(big.Int).SetString(text, 10)
		checkResidue(t, x)
	}
	for bits := uint(1); bits <= 600; bits++ {
		x := new(big.Int).Lsh(big.NewInt(1), bits)
		checkResidue(t, x)
		checkResidue(t, x.Sub(x, big.NewInt(1)))
	}
}

func TestResidueIsMod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "bytes")
		checkResidue(t, new(big.Int).SetBytes(data))
	})
}

func checkResidue(t rapid.TB, x *big.Int) {
	t.Helper()
	want := new(big.Int).Mod(x, big.NewInt(mersenne)).Uint64()
	if got := residue(x); got != want {
		t.Errorf("residue of %d bits = %d, want %d", x.BitLen(), got, want)
	}
}

func TestTally(t *testing.T) {
	var got tally
	sum, bits := new(big.Int), int64(0)
	for _, x := range everyFactorial(span{0, 500}) {
		got.add(x)
		sum.Add(sum, x)
		bits += int64(x.BitLen())
	}
	want := tally{500, bits, sum.Mod(sum, big.NewInt(mersenne)).Uint64()}
	if got != want {
		t.Errorf("tally of 0!..499! = %+v, want %+v", got, want)
	}
}

func BenchmarkResidue(b *testing.B) {
	x := product(span{2, 12_001})
	b.SetBytes(int64(x.BitLen() / 8))
	for b.Loop() {
		residue(x)
	}
}

func BenchmarkDecimal(b *testing.B) {
	x := product(span{2, 100_001})
	for b.Loop() {
		x.Append(nil, 10)
	}
}
