package plain

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text\tand Ünïcode 日本": "plain text\tand Ünïcode 日本",
		"\x1b[2J\r\x07":              `\x1b[2J\x0d\x07`,
		"\u009b31m":                  `\x9b31m`,
		"a\xffb":                     `a\xffb`,
		"\u202egnp.exe":              `\u202egnp.exe`,
		"two\nlines\n":               "two\nlines\n",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

// A text is the same however it is cut into writes.
func TestWriter(t *testing.T) {
	const text = "a\x1b[2Jü日\xff\n\xe6"
	for size := 1; size < len(text); size++ {
		var out strings.Builder
		w := &Writer{To: &out}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil || out.String() != `a\x1b[2Jü日\xff`+"\n"+`\xe6` {
			t.Errorf("writes of %d bytes: %q, %v", size, &out, err)
		}
	}
}
