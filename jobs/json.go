package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonNote is part of the help.
const jsonNote = `In JSON, whole numbers beyond 2^53 are strings, as jq and JavaScript would round them;
bytes that are not UTF-8 are \x and two digits, as in "caf\\xe9", and so is a \ before an x.
`

// WriteJSON writes v on one line, as all commands with --json do. Whole numbers beyond ±2^53, which
// jq and JavaScript would round, become strings. Pass text that may not be UTF-8 through [Text]
// first.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return err
	}
	_, err := w.Write(quoteLarge(b.Bytes()))
	return err
}

// quoteLarge quotes the large whole numbers in a JSON text.
func quoteLarge(text []byte) []byte {
	const inNumber = "+-.0123456789eE"
	var out []byte
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case c == '"':
			n = stringLen(text)
		case strings.IndexByte("-0123456789", c) >= 0:
			n = len(text) - len(bytes.TrimLeft(text, inNumber))
			if isLarge(string(text[:n])) {
				out = append(append(append(out, '"'), text[:n]...), '"')
				text = text[n:]
				continue
			}
		}
		out = append(out, text[:n]...)
		text = text[n:]
	}
	return out
}

// stringLen returns the length of the string that text begins with, quotes included.
func stringLen(text []byte) int {
	n := 1
	for text[n] != '"' {
		if text[n] == '\\' {
			n++
		}
		n++
	}
	return n + 1
}

func isLarge(number string) bool {
	if strings.ContainsAny(number, ".eE") {
		return false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(number, "-"), 10, 64)
	return err != nil || n > 1<<53
}

// Text returns s as a valid UTF-8 text for JSON. That is nearly always s itself; otherwise each
// byte that is not UTF-8 becomes \x and two hexadecimal digits, and a \ before an x becomes \x5c.
// Different texts stay different.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || strings.HasPrefix(s[i:], `\x`) {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// Texts returns the [Text] of each of all.
func Texts(all []string) []string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = Text(s)
	}
	return texts
}
