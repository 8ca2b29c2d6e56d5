package wordcount

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxWord is the longest word that is counted, in bytes of the text. It bounds the memory for input
// that is not text and has no white space for gigabytes.
const maxWord = 16 << 20

// openText opens the regular file at path; errors call it name.
func openText(path, name string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, readError(name, err)
	}
	return f, nil
}

// readBlock fills buf from offset on. A missing byte is an error: the size of the file told the
// caller that it was there.
func readBlock(r io.ReaderAt, name string, buf []byte, offset int64) error {
	n, err := r.ReadAt(buf, offset)
	switch {
	case n == len(buf):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return fmt.Errorf("%s: became shorter while it was read (wanted %d bytes at offset %d, got %d)",
			name, len(buf), offset, n)
	default:
		return readError(name, err)
	}
}

// readError leaves out the operation and the path that os puts before the cause: the message
// already has both, and the path may be one in /proc that the user never gave.
func readError(name string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("read %s: %w", name, err)
}

func longWordError(name string, offset int64) error {
	return fmt.Errorf("%s: the word at offset %d is longer than %d MiB: is it a text file?",
		name, offset, maxWord>>20)
}
