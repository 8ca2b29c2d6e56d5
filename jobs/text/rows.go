package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"mrrun/internal/cores"
)

// Rows are the records that one task reads of a CSV file (RFC 4180): fields are separated by
// commas, and a field in double quotes may hold commas, newlines, and quotes written twice. The
// first record of a file names the columns. Like [Part], Rows may be sent to other processes.
type Rows struct {
	Part
	Columns []int // the places of the wanted columns, from 0
	Fields  int   // how many fields each record has

	Start  int64 // where the text begins in the file
	Header int64 // the length of the header, if the part begins with it
}

// Rows cuts the texts, which are CSV, into parts of about size bytes, as Parts does, for the
// columns with these names; size 0 stands for four parts for each usable core, so that a task can
// merge much by itself. A number stands for the column with that place, from 1, if none has it
// as its name. A file without such a column is an error.
//
// Whether a newline ends a record depends on the number of quotes before it, so Rows reads all of
// the files, to count them.
func (f *Files) Rows(ctx context.Context, size int64, columns ...string) ([]Rows, error) {
	if size == 0 {
		size = max(f.Size()/int64(4*cores.Usable()), minPart)
	}
	var all []Rows
	for _, s := range f.sources {
		header := Rows{Part: Part{Name: s.name, File: s.path, Offset: s.start, Length: s.size - s.start, Gzip: s.gzip}, Start: s.start}
		if err := header.readHeader(ctx, columns); err != nil {
			return nil, err
		}
		one := Files{sources: []source{s}}
		parts, err := one.cut(size, func(r io.ReaderAt, s source, size int64) ([]Part, error) {
			return cutRows(ctx, r, s, s.start+header.Header, size)
		})
		if err != nil {
			return nil, err
		}
		for i, p := range parts {
			rows := header
			rows.Part = p
			if i > 0 {
				rows.Header = 0
			}
			all = append(all, rows)
		}
	}
	return all, nil
}

var byteOrderMark = []byte("\ufeff")

var errEnough = errors.New("the header is read")

// readHeader finds the columns by their names.
func (r *Rows) readHeader(ctx context.Context, columns []string) error {
	file, err := openFile(r.File, r.Name)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	var names []string
	c := parser{fields: -1, use: func(fields [][]byte) error {
		for _, name := range fields {
			names = append(names, string(name))
		}
		return errEnough
	}}
	err = r.read(ctx, file, cutBlock, func(b block) (int, error) {
		if b.offset == r.origin() && bytes.HasPrefix(b.text, byteOrderMark) {
			c.skip = len(byteOrderMark)
		}
		used, err := c.parse(b)
		r.Header = b.offset - r.origin() + int64(c.end)
		return used, err
	})
	if err == nil {
		return fmt.Errorf("%s: is empty: its first line must name the columns", r.Name)
	}
	if err != errEnough {
		return r.explain(ctx, err)
	}
	r.Fields = len(names)
	for _, column := range columns {
		at := slices.Index(names, column)
		if n, err := strconv.Atoi(column); at < 0 && err == nil && 1 <= n && n <= len(names) {
			at = n - 1
		}
		if at < 0 {
			return fmt.Errorf("%s: line 1: there is no column %q; there are %.1000q", r.Name, column, names)
		}
		r.Columns = append(r.Columns, at)
	}
	return nil
}

// origin is the offset at which the text of the part begins, as a block counts.
func (r Rows) origin() int64 {
	if r.Gzip {
		return 0
	}
	return r.Offset
}

// Each calls f for each record, in their order, with the fields of the wanted columns. They are
// valid, and not to be changed, during the call. Empty lines are left out. An error of f, and one
// of the file's form, such as a record with more or fewer fields than the header, comes with the
// number of the line. Other errors are as for [Words.Each].
func (r Rows) Each(ctx context.Context, f func(fields [][]byte) error) error {
	return r.each(ctx, blockSize, f)
}

func (r Rows) each(ctx context.Context, size int, f func(fields [][]byte) error) error {
	c := parser{columns: r.Columns, fields: r.Fields, use: f, skip: int(r.Header)}
	return r.explain(ctx, r.eachBlock(ctx, size, c.parse))
}

// explain adds name and line to the error of a record.
func (r Rows) explain(ctx context.Context, err error) error {
	failed, ok := errors.AsType[recordError](err)
	if !ok {
		return err
	}
	line, lineErr := r.line(ctx, failed.offset)
	if lineErr != nil {
		return fmt.Errorf("%s: offset %d: %w", r.Name, failed.offset, failed.cause)
	}
	return fmt.Errorf("%s: line %d: %w", r.Name, line, failed.cause)
}

// line returns the number of the line that has offset: nobody needs it unless something is wrong.
func (r Rows) line(ctx context.Context, offset int64) (int, error) {
	file, err := os.Open(r.File)
	if err != nil {
		return 0, err
	}
	defer file.Close() // it was only read
	whole := Part{Name: r.Name, File: r.File, Offset: r.Start, Length: r.Offset + r.Length - r.Start, Gzip: r.Gzip}
	line := 1
	err = whole.read(ctx, file, blockSize, func(b block) (int, error) {
		end := min(max(offset-b.offset, 0), int64(len(b.text)))
		line += bytes.Count(b.text[:end], []byte("\n"))
		return len(b.text), nil
	})
	return line, err
}
