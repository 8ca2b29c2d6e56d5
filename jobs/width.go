package jobs

import "unicode"

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
