package text

import (
	"bytes"
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"mrrun/internal/cores"
)

// cutRows cuts the records that begin at first into parts of about size bytes; the first part has
// the header, too. A newline ends a record if the number of quotes before it is even, so it counts
// the quotes between the places where it would like to cut, several stretches at once.
func cutRows(ctx context.Context, r io.ReaderAt, s source, first, size int64) ([]Part, error) {
	n := (s.size-first-1)/size + 1
	at := func(i int64) int64 { return first + (s.size-first)/n*i }
	odd := make([]bool, max(n, 1)) // whether a stretch has an odd number of quotes
	group, counting := errgroup.WithContext(ctx)
	group.SetLimit(cores.Usable())
	for i := range n - 1 {
		group.Go(func() (err error) {
			odd[i], err = oddQuotes(counting, r, s.name, at(i), at(i+1))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var parts []Part
	start := s.start
	add := func(end int64) {
		if end > start {
			parts = append(parts, Part{Name: s.name, File: s.path, Offset: start, Length: end - start})
			start = end
		}
	}
	quoted := false
	for i := int64(1); i < n; i++ {
		quoted = quoted != odd[i-1]
		if at(i) < start { // within a long record
			continue
		}
		end, err := recordEnd(ctx, r, s, at(i), quoted)
		if err != nil {
			return nil, err
		}
		add(end)
	}
	add(s.size)
	return parts, nil
}

func oddQuotes(ctx context.Context, r io.ReaderAt, name string, from, to int64) (odd bool, err error) {
	buf := make([]byte, min(256<<10, to-from))
	for ; from < to; from += int64(len(buf)) {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		buf = buf[:min(int64(len(buf)), to-from)]
		if err := readBlock(r, name, buf, from); err != nil {
			return false, err
		}
		odd = odd != (bytes.Count(buf, []byte(`"`))%2 == 1)
	}
	return odd, nil
}

// recordEnd returns the end of the record that has offset at, where quoted says whether at is
// within quotes; or the end of the file.
func recordEnd(ctx context.Context, r io.ReaderAt, s source, at int64, quoted bool) (int64, error) {
	buf := make([]byte, cutBlock)
	for at < s.size {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		block := buf[:min(int64(len(buf)), s.size-at)]
		if err := readBlock(r, s.name, block, at); err != nil {
			return 0, err
		}
		for i, b := range block {
			switch {
			case b == '"':
				quoted = !quoted
			case b == '\n' && !quoted:
				return at + int64(i) + 1, nil
			}
		}
		at += int64(len(block))
	}
	return s.size, nil
}
