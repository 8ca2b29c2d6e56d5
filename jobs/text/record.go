package text

import (
	"bytes"
	"errors"
	"fmt"
)

// maxRecord is the longest record, in bytes.
const maxRecord = 64 << 20

// A parser finds the records of blocks.
type parser struct {
	columns []int // the places of the wanted fields; nil: all of them
	fields  int   // how many fields each record must have; -1: any number
	use     func(fields [][]byte) error
	skip    int // bytes to pass over first

	found [][]byte // all fields of the record
	plain []byte   // fields that were in quotes, without these
	want  [][]byte // the wanted fields
	end   int      // of the last record in its block
}

// A recordError is about the record at offset.
type recordError struct {
	offset int64
	cause  error
}

func (e recordError) Error() string { return e.cause.Error() }

var (
	errUnclosed = errors.New("a quote is opened and never closed")
	errBare     = errors.New(`a quote in a field that does not begin with one: put the whole field in quotes, and write "" for a quote`)
	errAfter    = errors.New(`text follows a closing quote: write "" for a quote within a field`)
)

// parse calls use for the records of a block, and returns how many bytes are done. Unless it is the
// last block, parse leaves out a record without a newline, which continues in the next block.
func (p *parser) parse(b block) (used int, err error) {
	for used < len(b.text) {
		if p.skip > 0 {
			n := min(p.skip, len(b.text)-used)
			p.skip -= n
			used += n
			continue
		}
		end, at, err := p.record(b.text[used:], b.last)
		if err != nil {
			return 0, recordError{b.offset + int64(used+at), err}
		}
		if end == 0 {
			if len(b.text)-used > maxRecord {
				return 0, recordError{b.offset + int64(used), fmt.Errorf("the record is longer than %d MiB: is a quote not closed?", maxRecord>>20)}
			}
			return used, nil
		}
		offset := b.offset + int64(used)
		used += end
		p.end = used
		if err := p.pass(); err == errEnough {
			return used, err
		} else if err != nil {
			return 0, recordError{offset, err}
		}
	}
	return used, nil
}

// pass calls use for the record that was found, unless it is an empty line.
func (p *parser) pass() error {
	if len(p.found) == 0 {
		return nil
	}
	if p.fields >= 0 && len(p.found) != p.fields {
		return fmt.Errorf("the record has %d fields, the header %d", len(p.found), p.fields)
	}
	if p.columns == nil {
		return p.use(p.found)
	}
	p.want = p.want[:0]
	for _, c := range p.columns {
		p.want = append(p.want, p.found[c])
	}
	return p.use(p.want)
}

// record finds the fields of the first record of text, and returns its length. It is 0 if the
// record may not be complete. An error is at the place at.
func (p *parser) record(text []byte, last bool) (length, at int, err error) {
	p.found, p.plain = p.found[:0], p.plain[:0]
	for i := 0; ; {
		if i < len(text) && text[i] == '"' {
			field, next, err := p.quoted(text, i)
			if err == errUnclosed && !last {
				return 0, 0, nil
			}
			if err != nil {
				return 0, i, err
			}
			p.found = append(p.found, field)
			i = next
		} else {
			end := fieldEnd(text, i)
			if end < len(text) && text[end] == '"' {
				return 0, end, errBare
			}
			field := text[i:end]
			if n := len(field); n > 0 && field[n-1] == '\r' && (end == len(text) || text[end] == '\n') {
				field = field[:n-1]
			}
			if len(p.found) == 0 && len(field) == 0 && (end == len(text) || text[end] == '\n') { // an empty line
				if end == len(text) && !last {
					return 0, 0, nil
				}
				return min(end+1, len(text)), 0, nil
			}
			p.found = append(p.found, field)
			i = end
		}
		switch {
		case i == len(text) && !last:
			return 0, 0, nil
		case i == len(text):
			return i, 0, nil
		case text[i] == '\n':
			return i + 1, 0, nil
		}
		i++ // a comma
	}
}

// fieldEnd returns the place of the first comma, newline or quote from i on.
func fieldEnd(text []byte, i int) int {
	for ; i < len(text); i++ {
		if b := text[i]; b == ',' || b == '\n' || b == '"' {
			break
		}
	}
	return i
}

// quoted returns the field whose opening quote is at i, and the place of what follows it: a comma,
// a newline or the end. A carriage return before a newline is left out.
func (p *parser) quoted(text []byte, i int) (field []byte, next int, err error) {
	from := i + 1
	start := len(p.plain)
	for at := from; ; {
		n := bytes.IndexByte(text[at:], '"')
		if n < 0 {
			return nil, 0, errUnclosed
		}
		at += n
		if at+1 < len(text) && text[at+1] == '"' {
			p.plain = append(p.plain, text[from:at+1]...)
			at += 2
			from = at
			continue
		}
		field = text[from:at]
		if len(p.plain) > start {
			p.plain = append(p.plain, field...)
			field = p.plain[start:]
		}
		next = at + 1
		break
	}
	if bytes.Contains(field, []byte("\r\n")) {
		field = bytes.ReplaceAll(field, []byte("\r\n"), []byte("\n"))
	}
	if next < len(text) && text[next] == '\r' && (next+1 == len(text) || text[next+1] == '\n') {
		next++
	}
	if next < len(text) && text[next] != ',' && text[next] != '\n' {
		return nil, 0, errAfter
	}
	return field, next, nil
}
