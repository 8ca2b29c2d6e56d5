package jobs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime/debug"
	"strings"
)

var errNoBuildInfo = errors.New("no build information of Go 1.18 or later")

// readBuildInfo returns what the go command has recorded in the program at path. Package
// debug/buildinfo does the same, and each worker would pay for the init functions of what it
// imports.
func readBuildInfo(path string) (*debug.BuildInfo, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// The record begins at a multiple of 16 with a mark, the size of a pointer and a byte that says
	// that texts follow in place. This package must not contain the mark as such.
	const align, header = 16, 32
	mark := append([]byte("\xff Go build"), "inf:"...)
	for at := 0; ; at++ {
		next := bytes.Index(file[at:], mark)
		if next < 0 {
			return nil, errNoBuildInfo
		}
		at += next
		record := file[at:]
		if at%align != 0 || len(record) < header || record[15]&2 == 0 {
			continue
		}
		goVersion, rest := cutText(record[header:])
		modules, _ := cutText(rest)
		if !strings.HasPrefix(goVersion, "go") && !strings.HasPrefix(goVersion, "devel") || len(modules) < 2*align {
			continue
		}
		return debug.ParseBuildInfo(modules[align : len(modules)-align]) // without its own marks
	}
}

// cutText returns the text whose length data begins with, and what follows it.
func cutText(data []byte) (text string, rest []byte) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return "", nil
	}
	data = data[size:]
	return string(data[:n]), data[n:]
}
