package wordcount

import (
	"context"
	"io"
	"unicode"
	"unicode/utf8"
)

// blockSize is how many bytes of text are read at once: enough to make system calls rare, few
// enough to stay in the cache.
const blockSize = 1 << 20

// countSplit counts the words of s and calls emit for each of them. A word may
// be emitted several times, with a part of its count each time.
func countSplit(ctx context.Context, s split, emit func(word string, n int64)) error {
	f, err := openText(s.File, s.Name)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	if err := s.unchanged(f); err != nil {
		return err
	}
	if err := countText(ctx, f, s, blockSize, emit); err != nil {
		return err
	}
	return s.unchanged(f)
}

// countText reads s from r in blocks. What follows the last white space of a block may be half a
// word or half a rune: it is put before the next block and looked at again.
func countText(ctx context.Context, r io.ReaderAt, s split, block int, emit func(word string, n int64)) error {
	c := &counter{name: s.Name, table: newWordTable()}
	buf := make([]byte, min(int64(2*block), s.Length))
	kept := 0 // bytes at the start of buf, from the block before
	for at, end := s.Offset, s.Offset+s.Length; at < end; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// A long word needs a larger buffer. Doubling the buffer keeps the work of looking at the
		// word again proportional to its length.
		if kept > len(buf)/2 {
			buf = append(buf, make([]byte, len(buf))...)
		}
		n := int(min(int64(max(block, kept)), int64(len(buf)-kept), end-at))
		text := buf[:kept+n]
		if err := readBlock(r, s.Name, text[kept:], at); err != nil {
			return err
		}
		lowerASCII(text[kept:])
		used, err := c.count(text, at-int64(kept), at+int64(n) == end)
		if err != nil {
			return err
		}
		kept = copy(buf, text[used:])
		at += int64(n)
		if c.table.large() {
			c.table.drain(emit)
		}
	}
	c.table.drain(emit)
	return nil
}

// counter finds the words of a text.
type counter struct {
	name  string
	table *wordTable
	word  []byte // the last word that was not plain ASCII, in lower case
}

// count adds up the words of text, which is at offset of its file, and returns how many bytes are
// done. Unless last is set, it leaves out a word at the very end, which may continue in the next
// block.
func (c *counter) count(text []byte, offset int64, last bool) (used int, err error) {
	for used < len(text) {
		word, length, gap := c.next(text[used:])
		if length > maxWord {
			return 0, longWordError(c.name, offset+int64(used))
		}
		if gap == 0 && !last {
			return used, nil
		}
		if length > 0 {
			c.table.add(word)
		}
		used += length + gap
	}
	return used, nil
}

// next returns the first word of text in lower case, its length in the text, and the length of the
// white space after it. A gap of 0 means that the text has ended. The word is valid until the next
// call.
func (c *counter) next(text []byte) (word []byte, length, gap int) {
	for i := skipPlain(text, 0); i < len(text); i = skipPlain(text, i+1) {
		switch b := text[i]; {
		case b >= utf8.RuneSelf:
			return c.nextUnicode(text, i)
		case unicode.IsSpace(rune(b)):
			return text[:i], i, 1
		}
	}
	return text, len(text), 0
}

// nextUnicode is next for a text whose first start bytes are known to be ASCII
// and no white space. An invalid byte stays as it is.
func (c *counter) nextUnicode(text []byte, start int) (word []byte, length, gap int) {
	c.word = append(c.word[:0], text[:start]...)
	for i := start; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case unicode.IsSpace(r):
			return c.word, i, size
		case r < utf8.RuneSelf:
			c.word = append(c.word, text[i])
		case int(r) < len(runeLower):
			c.word = utf8.AppendRune(c.word, runeLower[r])
		case r == utf8.RuneError:
			c.word = append(c.word, text[i:i+size]...)
		default:
			c.word = utf8.AppendRune(c.word, unicode.ToLower(r))
		}
		i += size
	}
	return c.word, len(text), 0
}

// runeLower maps the runes of up to two bytes, such as Greek and Cyrillic ones, to lower case:
// unicode.ToLower would take most of the time.
var runeLower = func() (table [0x800]rune) {
	for r := range table {
		table[r] = unicode.ToLower(rune(r))
	}
	return table
}()
