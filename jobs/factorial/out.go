package factorial

import (
	"bufio"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
)

// An outFile takes digits under another name until they are complete: a run that fails leaves what was there before. A nil
// one takes nothing.
type outFile struct {
	path string
	temp *os.File
	w    *bufio.Writer
	line []byte
}

func createOut(path string) (*outFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("factorial: --out %s: it is not a regular file", path)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".factorial-*")
	if err != nil {
		return nil, fmt.Errorf("factorial: create --out %s: %w", path, err)
	}
	return &outFile{path: path, temp: temp, w: bufio.NewWriterSize(temp, 1<<20)}, nil
}

func (f *outFile) writeLine(x *big.Int) error {
	if f == nil {
		return nil
	}
	f.line = x.Append(f.line[:0], 10)
	return f.writeText(f.line)
}

func (f *outFile) writeText(digits []byte) error {
	if f == nil {
		return nil
	}
	_, err := f.w.Write(digits)
	if err == nil {
		err = f.w.WriteByte('\n')
	}
	return f.failed(err)
}

// commit gives the complete file its name.
func (f *outFile) commit() error {
	if f == nil {
		return nil
	}
	err := errors.Join(f.w.Flush(), f.temp.Chmod(0o644), f.temp.Close())
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err == nil {
		f.temp = nil
	}
	return f.failed(err)
}

func (f *outFile) failed(err error) error {
	if err != nil {
		return fmt.Errorf("factorial: write --out %s: %w", f.path, err)
	}
	return nil
}

// discard removes what was not committed.
func (f *outFile) discard() error {
	if f == nil || f.temp == nil {
		return nil
	}
	f.temp.Close()
	return os.Remove(f.temp.Name())
}
