package wordcount

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// cutBlock is how many bytes are read at once to find the place of a cut: many words, and no more
// than one page of the disk cache.
const cutBlock = 4 << 10

// split is the part of a text that one map task counts. It never begins or ends
// inside a word.
type split struct {
	Name   string // the name that the user gave, for messages
	File   string // the path to open, valid in every process of this machine
	Offset int64  // where the part begins, in bytes
	Length int64  // how many bytes it has

	Version version // of the file when it was cut
	Head    uint64  // hash of the part's first bytes
}

// splitFiles cuts each file into parts of about size bytes. It reads only around the cuts; the
// workers read the text itself.
func splitFiles(files []source, size int64) ([]split, error) {
	if size <= 0 {
		return nil, fmt.Errorf("wordcount: split size %d: it must be at least 1 byte", size)
	}
	var splits []split
	for _, file := range files {
		parts, err := splitFile(file, size)
		if err != nil {
			return nil, fmt.Errorf("wordcount: %w", err)
		}
		splits = append(splits, parts...)
	}
	return splits, nil
}

func splitFile(file source, size int64) ([]split, error) {
	f, err := openText(file.path, file.name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was only read

	info, err := f.Stat()
	if err != nil {
		return nil, readError(file.name, err)
	}
	splits, err := cutText(f, file, info.Size(), size)
	if err != nil {
		return nil, err
	}
	for i := range splits {
		if err := splits[i].remember(f, info); err != nil {
			return nil, err
		}
	}
	return splits, nil
}

// cutText cuts what r has from the start of file to end into parts of about equal length.
func cutText(r io.ReaderAt, file source, end, size int64) ([]split, error) {
	var splits []split
	buf := make([]byte, cutBlock)
	for start := file.start; start < end; {
		rest := end - start
		parts := (rest-1)/size + 1
		cut, err := nextCut(r, file.name, buf, start+rest/parts, end)
		if err != nil {
			return nil, err
		}
		splits = append(splits, split{Name: file.name, File: file.path, Offset: start, Length: cut - start})
		start = cut
	}
	return splits, nil
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
