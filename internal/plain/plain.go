// Package plain makes texts harmless to terminals.
package plain

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns a text that a terminal shows as it is. Control characters, which could move the
// cursor, change colours or answer in the user's name, and bytes that are not UTF-8 become \x1b and
// the like; newlines and tabs stay.
func Text(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unprintable(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// unprintable reports whether a terminal may obey r, among them what turns the direction of text.
func unprintable(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError)
}

// A Writer writes to a terminal what is written to it, as [Text] has it. It is not safe for
// concurrent use.
type Writer struct {
	To   io.Writer
	rest []byte // of an incomplete character
}

// Write writes all but an incomplete character at the end, which waits for its rest.
func (w *Writer) Write(b []byte) (int, error) {
	text := append(w.rest, b...)
	end := len(text)
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if last := text[len(text)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				end -= n
			}
			break
		}
	}
	w.rest = bytes.Clone(text[end:])
	if _, err := io.WriteString(w.To, Text(string(text[:end]))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Flush writes an incomplete character that is left at the end.
func (w *Writer) Flush() error {
	_, err := io.WriteString(w.To, Text(string(w.rest)))
	w.rest = nil
	return err
}
