package shuffle

import (
	"encoding/binary"
	"math/bits"
)

// A Seed makes the hashes of one shuffle differ from those of others, so that nobody can choose
// keys that all have the same hash. All processes of a shuffle use the same seed.
type Seed [2]uint64

// Hash returns the hash of a key: the same in each process.
func Hash(seed Seed, key string) uint64 {
	h := seed[0]
	for len(key) >= maxShort {
		h = fold(load8(key)^seed[1], load8(key[8:])^h)
		key = key[16:]
	}
	w := wordsOf(key)
	return fold(w.lo^h, w.hi^seed[1])
}

// Mix returns the hash of a hash and a number.
func Mix(h, n uint64) uint64 { return fold(n^0x9E3779B97F4A7C15, h^0xD1B54A32D192ED03) }

// fold multiplies two words and folds the product into one, each bit of which depends on all
// others.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// maxShort is the length from which on a key does not fit in two words with its length.
const maxShort = 16

// words are a key of less than maxShort bytes. The top byte of hi is the length and one more, so
// that it is never 0.
type words struct{ lo, hi uint64 }

// wordsOf returns the words of a short key.
func wordsOf(key string) words {
	var copied [maxShort]byte
	copy(copied[:], key)
	return wordsAt(&copied, len(key))
}

// masks keep the first bytes of two words.
var masks = func() (m [maxShort]words) {
	for n := range m {
		m[n].lo = 1<<(8*min(n, 8)) - 1
		m[n].hi = 1<<(8*max(n-8, 0)) - 1
	}
	return m
}()

// wordsAt returns the key of n bytes at the beginning of b.
func wordsAt(b *[maxShort]byte, n int) words {
	m := &masks[n&(maxShort-1)]
	return words{binary.LittleEndian.Uint64(b[:]) & m.lo, binary.LittleEndian.Uint64(b[8:])&m.hi | uint64(n+1)<<56}
}

func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
