package text

import (
	"bytes"
	"testing"
)

// Each byte is tried at each place in a group of eight, and after one.
func TestEveryByteInEveryPlace(t *testing.T) {
	for b := range 256 {
		for place := range 20 {
			text := bytes.Repeat([]byte{'z'}, 20)
			text[place] = byte(b)
			want := bytes.Clone(text)
			stop := len(text)
			switch {
			case 'A' <= b && b <= 'Z':
				want[place] = byte(b) + 'a' - 'A'
			case b <= ' ' || b >= 0x80:
				stop = place
			}
			if lowerASCII(text); !bytes.Equal(text, want) {
				t.Errorf("byte %#x: lower case %q, want %q", b, text, want)
			}
			if got := skipPlain(text, 0); got != stop {
				t.Errorf("byte %#x at %d: skipped to %d, want %d", b, place, got, stop)
			}
		}
	}
}
