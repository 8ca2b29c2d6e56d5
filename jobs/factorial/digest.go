package factorial

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
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

// digestOf describes the number whose decimal text is text.
func digestOf(text []byte) digest {
	d := newDigester()
	d.Write(text)
	return d.sum()
}

// A digester makes the digest of a text that is written to it part by part.
type digester struct {
	digits      int64
	first, last []byte
	hash        hash.Hash
}

func newDigester() *digester { return &digester{hash: sha256.New()} }

// Write implements [io.Writer] and does not fail.
func (d *digester) Write(part []byte) (int, error) {
	d.digits += int64(len(part))
	d.first = append(d.first, part[:min(len(part), digestEnds-len(d.first))]...)
	d.last = append(d.last, part[max(0, len(part)-digestEnds):]...)
	d.last = d.last[max(0, len(d.last)-digestEnds):]
	return d.hash.Write(part)
}

func (d *digester) sum() digest {
	return digest{d.digits, string(d.first), string(d.last), hex.EncodeToString(d.hash.Sum(nil))}
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
