package jobs

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain returns a text that a terminal shows as it is. Control characters, which could move the
// cursor, change colours or answer in the user's name, and bytes that are not UTF-8 become \x1b and
// the like; newlines and tabs stay.
func plain(s string) string {
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
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

// unprintable reports whether a terminal may obey r, among them what turns the direction of text.
func unprintable(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError)
}

// textWidth returns how many columns a line takes on a terminal. Escape sequences for colours take
// none.
func textWidth(s string) (columns int) {
	inEscape := false
	for _, r := range s {
		switch {
		case r == '\x1b':
			inEscape = true
		case inEscape:
			inEscape = r != 'm'
		default:
			columns += runeWidth(r)
		}
	}
	return columns
}

func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff ||
		r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return 2
	}
	return 1
}

// cut returns the beginning of a line without escape sequences that fits into so many columns.
func cut(s string, columns int) string {
	if textWidth(s) <= columns {
		return s
	}
	width := 0
	for i, r := range s {
		if width += runeWidth(r); width > columns-1 {
			return s[:i] + "…"
		}
	}
	return s
}
