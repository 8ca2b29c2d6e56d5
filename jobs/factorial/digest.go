package factorial

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"math/bits"
)

// digestEnds is how many digits a digest shows of each end of a number.
const digestEnds = 20

// digest describes one big number in a few words: enough to compare it with
// the number another program printed.
type digest struct {
	Digits      int64  // how many decimal digits
	First, Last string // the first and the last 20 digits, or all of fewer
	SHA256      string // of the decimal text without a newline, in hex
}

// decimal returns x in base ten.
func decimal(x *big.Int) []byte {
	return x.Append(nil, 10)
}

// digestOf describes the number whose decimal text is text.
func digestOf(text []byte) digest {
	sum := sha256.Sum256(text)
	end := min(digestEnds, len(text))
	return digest{
		Digits: int64(len(text)),
		First:  string(text[:end]),
		Last:   string(text[len(text)-end:]),
		SHA256: hex.EncodeToString(sum[:]),
	}
}

// tally is a fingerprint of many big numbers. It does not depend on their
// order.
type tally struct {
	Count int64  // how many numbers
	Bits  int64  // the sum of their lengths in bits
	Sum   uint64 // the sum of the numbers modulo 2^61-1
}

// add puts x into the tally.
func (t *tally) add(x *big.Int) {
	t.Count++
	t.Bits += int64(x.BitLen())
	t.Sum = (t.Sum + residue(x)) % mersenne
}

const (
	mersenneBits = 61
	mersenne     = 1<<mersenneBits - 1 // a prime

	// wordShift is what a step of one machine word amounts to: modulo
	// 2^61-1, 2^64 is 2^3 (and 2^32 stays 2^32).
	wordShift = bits.UintSize % mersenneBits
)

// residue returns x modulo 2^61-1.
//
// Multiplying by a power of two modulo 2^61-1 only moves bits around, so a
// number folds into one word without any division. The running value is not
// brought below 2^61-1 at each step: as what is added stays below 2^62+2^36,
// it never leaves 64 bits.
func residue(x *big.Int) uint64 {
	var acc uint64
	words := x.Bits()
	for i := len(words) - 1; i >= 0; i-- {
		w := uint64(words[i])
		acc = acc<<wordShift&mersenne + acc>>(mersenneBits-wordShift) +
			w&mersenne + w>>mersenneBits
	}
	acc %= mersenne
	if x.Sign() < 0 && acc != 0 {
		acc = mersenne - acc
	}
	return acc
}
