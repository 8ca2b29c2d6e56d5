package text

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxWord is the longest word that is counted, in bytes of the text. It bounds the memory for input
// that is not text and has no white space for gigabytes.
const maxWord = 16 << 20

// blockSize is how many bytes of text are read at once: enough to make system calls rare, few
// enough to stay in the cache.
const blockSize = 1 << 20

// gzipMagic is what gzip data begins with. No UTF-8 text does.
var gzipMagic = []byte{0x1f, 0x8b}

// A block is a stretch of a part's text.
type block struct {
	text   []byte
	offset int64 // of text, in the file or in what was compressed
	last   bool
}

// eachBlock calls use for the blocks of the part, each of about size bytes and what use has left of
// the block before. use may change the text. The part must still be what it was when it was cut.
func (p Part) eachBlock(ctx context.Context, size int, use func(block) (used int, err error)) error {
	file, err := openFile(p.File, p.Name)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	if err := p.unchanged(file); err != nil {
		return err
	}
	if err := p.read(ctx, file, size, use); err != nil {
		return err
	}
	return p.unchanged(file)
}

func (p Part) read(ctx context.Context, file io.ReaderAt, size int, use func(block) (used int, err error)) error {
	in := io.NewSectionReader(file, p.Offset, p.Length)
	if !p.Gzip {
		read, err := eachBlock(ctx, in, p.Offset, make([]byte, min(int64(2*size), p.Length+1)), size, use)
		if failed, ok := errors.AsType[inputError](err); ok {
			return readError(p.Name, failed.error)
		}
		if err == nil && read < p.Length {
			return shorterError(p.Name, p.Length, p.Offset, read)
		}
		return err
	}
	unzipped, err := gzip.NewReader(bufio.NewReaderSize(in, 64<<10))
	if err != nil {
		return gzipError(p.Name, err)
	}
	_, err = eachBlock(ctx, unzipped, 0, make([]byte, 2*size), size, use)
	if failed, ok := errors.AsType[inputError](err); ok {
		return gzipError(p.Name, failed.error)
	}
	return err
}

// An inputError is an error of the reader, not of its user.
type inputError struct{ error }

// eachBlock reads r, whose first byte is at offset, into buf and calls use for each block. It
// returns how many bytes it has read.
func eachBlock(ctx context.Context, r io.Reader, offset int64, buf []byte, size int, use func(block) (used int, err error)) (read int64, err error) {
	kept := 0 // bytes at the start of buf, from the block before
	for last := false; !last; {
		if ctx.Err() != nil {
			return read, context.Cause(ctx)
		}
		// What is left needs a larger buffer. Doubling the buffer keeps the work of looking at it
		// again proportional to its length.
		if kept > len(buf)/2 {
			buf = append(buf, make([]byte, len(buf))...)
		}
		room := min(max(size, kept), len(buf)-kept)
		n, err := fill(r, buf[kept:kept+room])
		if err != nil && err != io.EOF {
			return read, inputError{err}
		}
		read += int64(n)
		last = err == io.EOF
		text := buf[:kept+n]
		used, err := use(block{text: text, offset: offset + read - int64(len(text)), last: last})
		if err != nil {
			return read, err
		}
		kept = copy(buf, text[used:])
	}
	return read, nil
}

// fill is io.ReadFull, but an early end is io.EOF, and an error of r is its own.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// openFile opens the regular file at path; errors call it name.
func openFile(path, name string) (*os.File, error) {
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
		return shorterError(name, int64(len(buf)), offset, int64(n))
	default:
		return readError(name, err)
	}
}

func shorterError(name string, want, offset, got int64) error {
	return fmt.Errorf("%s: became shorter while it was read (wanted %d bytes at offset %d, got %d)", name, want, offset, got)
}

// readError leaves out the operation and the path that os puts before the cause: the message
// already has both, and the path may be one in /proc that the user never gave.
func readError(name string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("read %s: %w", name, err)
}

func gzipError(name string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the gzip data ends too early: is the file complete?", name)
	case errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("%s: what follows the gzip data is not gzip data: is the file damaged?", name)
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return readError(name, err)
	}
	return fmt.Errorf("%s: the gzip data is damaged: %w", name, err)
}

func longWordError(name string, offset int64) error {
	return fmt.Errorf("%s: the word at offset %d is longer than %d MiB: is it a text file?",
		name, offset, maxWord>>20)
}
