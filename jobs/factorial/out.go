package factorial

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// An outFile takes digits under another name until they are complete: a run that fails leaves what was there before. A nil
// one takes nothing.
type outFile struct {
	path string
	mode os.FileMode // of the file that was there before, or 0
	temp *os.File
	w    *bufio.Writer
	line []byte
}

func createOut(path string) (*outFile, error) {
	f := &outFile{path: path}
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("factorial: --out %s: is a directory or device: give the name of a file", path)
		}
		f.mode = info.Mode().Perm()
	}
	// Not os.CreateTemp, whose files nobody else may read: a new file gets the permissions that any new one would.
	name := fmt.Sprintf(".factorial-%d-%d", os.Getpid(), time.Now().UnixNano())
	temp, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, f.failed(err)
	}
	f.temp, f.w = temp, bufio.NewWriterSize(temp, 1<<20)
	return f, nil
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
	err := f.w.Flush()
	if err == nil && f.mode != 0 {
		err = f.temp.Chmod(f.mode)
	}
	if cerr := f.temp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err == nil {
		f.temp = nil
	}
	return f.failed(err)
}

func (f *outFile) failed(err error) error {
	if err == nil {
		return nil
	}
	// The cause alone: nobody knows the other name.
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("factorial: write --out %s: %w", f.path, err)
}

// discard removes what was not committed.
func (f *outFile) discard() error {
	if f == nil || f.temp == nil {
		return nil
	}
	f.temp.Close()
	return os.Remove(f.temp.Name())
}
