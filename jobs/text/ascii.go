package text

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Most text is plain ASCII. These functions look at eight bytes of it at once, held in a uint64,
// which is several times as fast as one by one.
const (
	eachByte = 0x0101010101010101 // times b: b in each of the eight bytes
	highBits = 0x80 * eachByte
)

// lowerASCII changes the ASCII letters of text to lower case and leaves all other bytes alone.
func lowerASCII(text []byte) {
	for ; len(text) >= 8; text = text[8:] {
		x := binary.LittleEndian.Uint64(text)
		low := x &^ highBits // so that no sum carries into the next byte
		fromA := low + (0x80-'A')*eachByte
		afterZ := low + (0x80-'Z'-1)*eachByte
		upper := (fromA &^ afterZ &^ x) & highBits
		binary.LittleEndian.PutUint64(text, x|upper>>2) // 0x80>>2 is 'a'-'A'
	}
	for i, b := range text {
		if 'A' <= b && b <= 'Z' {
			text[i] = b + 'a' - 'A'
		}
	}
}

// skipPlain returns the first index from i on whose byte is not printable ASCII: white space, a
// control character or a part of a longer rune.
func skipPlain(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		// A byte below '!' borrows its high bit. It may borrow from the bytes
		// after it too, but the first one found is right.
		if stop := (x - '!'*eachByte | x) & highBits; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for ; i < len(text); i++ {
		if b := text[i]; b < '!' || b >= utf8.RuneSelf {
			return i
		}
	}
	return i
}
