package text

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// A part that the caller leaves to Parts has from minPart to maxPart bytes; between these limits
// the text is cut into wantParts parts.
const (
	minPart   = 256 << 10
	maxPart   = 8 << 20
	wantParts = 64
)

// cutBlock is how many bytes are read at once to find the place of a cut: many words, and no more
// than one page of the disk cache.
const cutBlock = 4 << 10

// A Part is the part of a text that one task reads. It never begins or ends inside a word, and a
// part of a table neither inside a record. It holds no open file and may be sent to other
// processes.
type Part struct {
	Name   string // the name that the user gave, for messages
	File   string // the path to open, valid in every process of this machine
	Offset int64  // where the part begins in the file, in bytes
	Length int64  // how many bytes of the file it has
	Gzip   bool   // they are compressed

	Version version // of the file when it was cut
	Head    uint64  // hash of the part's first bytes
}

// Parts cuts the texts at white space into parts of about size bytes; size 0 stands for one that
// suits the whole. Compressed files cannot be cut: each is one part. Parts reads only around the
// cuts.
func (f *Files) Parts(size int64) ([]Part, error) {
	return f.cut(size, func(r io.ReaderAt, s source, size int64) ([]Part, error) {
		return cutText(r, s, s.size, size)
	})
}

// cut cuts each file into parts of about size bytes by cutOne.
func (f *Files) cut(size int64, cutOne func(r io.ReaderAt, s source, size int64) ([]Part, error)) ([]Part, error) {
	if size < 0 {
		return nil, fmt.Errorf("parts of %d bytes: it must be at least 1 byte, or 0", size)
	}
	if size == 0 {
		size = f.partSize()
	}
	var all []Part
	for _, s := range f.sources {
		parts, err := s.cut(size, cutOne)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	return all, nil
}

// partSize returns a size of parts that suits the whole.
func (f *Files) partSize() int64 { return min(max(f.Size()/wantParts, minPart), maxPart) }

func (s source) cut(size int64, cutOne func(r io.ReaderAt, s source, size int64) ([]Part, error)) ([]Part, error) {
	file, err := openFile(s.path, s.name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read

	info, err := file.Stat()
	if err != nil {
		return nil, readError(s.name, err)
	}
	var parts []Part
	switch {
	case s.gzip:
		parts = []Part{{Name: s.name, File: s.path, Offset: s.start, Length: s.size - s.start, Gzip: true}}
	default:
		if parts, err = cutOne(file, s, size); err != nil {
			return nil, err
		}
	}
	for i := range parts {
		if err := parts[i].remember(file, info); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// cutText cuts what r has from the start of the source to end into parts of about equal length.
func cutText(r io.ReaderAt, s source, end, size int64) ([]Part, error) {
	var parts []Part
	buf := make([]byte, cutBlock)
	for start := s.start; start < end; {
		rest := end - start
		n := (rest-1)/size + 1
		cut, err := nextCut(r, s.name, buf, start+rest/n, end)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: s.name, File: s.path, Offset: start, Length: cut - start})
		start = cut
	}
	return parts, nil
}

// nextCut returns the first position from target on that directly follows an ASCII white-space
// byte, or end. No such byte is part of a longer rune, so nothing before target has to be decoded.
func nextCut(r io.ReaderAt, name string, buf []byte, target, end int64) (int64, error) {
	if target >= end {
		return end, nil
	}
	blank := target - 1 // no white space is known from here on
	for at := target - 1; ; {
		block := buf[:min(int64(len(buf)), end-at)]
		if err := readBlock(r, name, block, at); err != nil {
			return 0, err
		}
		if i := bytes.IndexFunc(block, isASCIISpace); i >= 0 {
			return at + int64(i) + 1, nil
		}
		if i := bytes.LastIndexFunc(block, unicode.IsSpace); i >= 0 {
			blank = at + int64(i)
		}
		next := at + int64(len(block))
		if next-blank > maxWord+utf8.UTFMax {
			return 0, longWordError(name, blank)
		}
		if next == end {
			return end, nil
		}
		at = next - 2 // a white-space rune of three bytes may lie across the border
	}
}

func isASCIISpace(r rune) bool {
	return r < 0x80 && unicode.IsSpace(r)
}
