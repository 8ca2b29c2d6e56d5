package text

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Lines are whole lines of a text, which one task reads. Like [Part], Lines may be sent to other
// processes.
type Lines struct {
	Part
	Start int64 // where the text begins in the file
}

// maxLine is the longest line, in bytes.
const maxLine = maxRecord

// Lines cuts the texts at ends of lines into parts of about size bytes, as Parts does.
func (f *Files) Lines(size int64) ([]Lines, error) {
	var all []Lines
	if size == 0 {
		size = f.partSize()
	}
	for _, s := range f.sources {
		one := Files{sources: []source{s}}
		parts, err := one.cut(size, cutLines)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			all = append(all, Lines{p, s.start})
		}
	}
	return all, nil
}

// cutLines cuts what r has of the source behind newlines, into parts of about equal length.
func cutLines(r io.ReaderAt, s source, size int64) ([]Part, error) {
	var parts []Part
	buf := make([]byte, cutBlock)
	for start := s.start; start < s.size; {
		rest := s.size - start
		n := (rest-1)/size + 1
		end, err := nextLine(r, s, buf, start+rest/n)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: s.name, File: s.path, Offset: start, Length: end - start})
		start = end
	}
	return parts, nil
}

// nextLine returns the first position from target on that directly follows a newline, or the end.
func nextLine(r io.ReaderAt, s source, buf []byte, target int64) (int64, error) {
	for at := target - 1; at < s.size-1; {
		block := buf[:min(int64(len(buf)), s.size-at)]
		if err := readBlock(r, s.name, block, at); err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(block, '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
		at += int64(len(block))
	}
	return s.size, nil
}

// Each calls f for each line, in their order, without its end: a newline, which a carriage return
// may precede. The line is valid during the call. An error of f comes with the number of the line;
// others are as for [Words.Each].
func (l Lines) Each(ctx context.Context, f func(line []byte) error) error {
	return l.each(ctx, blockSize, f)
}

func (l Lines) each(ctx context.Context, size int, f func(line []byte) error) error {
	err := l.eachBlock(ctx, size, func(b block) (used int, err error) {
		for used < len(b.text) {
			line := b.text[used:]
			end := bytes.IndexByte(line, '\n')
			if end < 0 && !b.last {
				if len(line) > maxLine {
					return 0, recordError{b.offset + int64(used), fmt.Errorf("the line is longer than %d MiB: is it a text file?", maxLine>>20)}
				}
				return used, nil
			}
			next := end + 1
			if end < 0 {
				end, next = len(line), len(line)
			}
			if err := f(bytes.TrimSuffix(line[:end], []byte("\r"))); err != nil {
				return 0, recordError{b.offset + int64(used), err}
			}
			used += next
		}
		return used, nil
	})
	return Rows{Part: l.Part, Start: l.Start}.explain(ctx, err)
}
