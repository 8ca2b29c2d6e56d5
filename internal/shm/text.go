package shm

import (
	"strings"
	"sync/atomic"
)

// TextSize is how many bytes of a [Text] are kept.
const TextSize = 64

// A Text is a short text in shared memory, for people and for names. It ends at its first zero
// byte.
type Text [TextSize / 8]Word64

// Set sets the text, cut off after [TextSize] bytes. A concurrent reader may get parts of the old
// and the new text.
func (t *Text) Set(s string) { setText(t[:], s) }

// String returns the text.
func (t *Text) String() string { return text(t[:]) }

func setText(words []Word64, s string) {
	for i := range words {
		var v uint64
		for j := range 8 {
			if k := i*8 + j; k < len(s) {
				v |= uint64(s[k]) << (8 * j)
			}
		}
		atomic.StoreUint64(&words[i].v, v)
	}
}

func text(words []Word64) string {
	var b strings.Builder
	for i := range words {
		for v := atomic.LoadUint64(&words[i].v); v != 0; v >>= 8 {
			b.WriteByte(byte(v))
		}
	}
	return b.String()
}
