package factorial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"syscall"

	"mrrun/internal/stdio"
	"mrrun/internal/unnamed"
)

// An outFile takes digits. A regular file gets them when they are complete: a run that fails, or is
// killed, leaves the old content and no other file. Standard output, pipes and devices get the
// digits as they come. A nil outFile ignores them.
type outFile struct {
	path   string
	target string   // what path leads to, if nothing is there
	spool  *os.File // takes the digits for a regular file; it has no name
	stream *os.File // takes the digits for anything else
	w      *bufio.Writer
	line   []byte
}

func createOut(ctx context.Context, path string) (*outFile, error) {
	f := &outFile{path: path}
	if err := f.open(ctx); err != nil {
		return nil, f.failed(err)
	}
	to := f.spool
	if to == nil {
		to = f.stream
	}
	f.w = bufio.NewWriterSize(to, 1<<20)
	return f, nil
}

func (f *outFile) open(ctx context.Context) error {
	if f.stream = stdio.Output(f.path); f.stream != nil {
		return nil
	}
	target := followLinks(f.path)
	there, err := openExisting(ctx, f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.target = target
		f.spool, err = unnamed.File(filepath.Dir(target))
		return err
	}
	if errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("%w: give the name of a file", syscall.EISDIR)
	}
	if err != nil {
		return err
	}
	regular, err := writableFile(there)
	if err == nil && !regular {
		f.stream = there
		return nil
	}
	there.Close() // it was only examined
	if err != nil {
		return err
	}
	if f.spool, err = unnamed.File(filepath.Dir(target)); err != nil { // no new files there
		f.spool, err = unnamed.File(os.TempDir())
	}
	return err
}

// openExisting opens path for writing and changes nothing. Opening a named pipe waits for its
// reader.
func openExisting(ctx context.Context, path string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	o, err := await(ctx, func() opened {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return opened{file, err}
	})
	if err != nil {
		return nil, err
	}
	return o.file, o.err
}

// writableFile reports whether file is a regular one. The superuser can open any file for writing,
// but here the permissions count for every user.
func writableFile(file *os.File) (regular bool, err error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, err
	}
	if info.Mode().Perm()&0o222 == 0 {
		return false, errors.New("the file is read-only: make it writable, or give another name")
	}
	return true, nil
}

// followLinks returns what path leads to, which need not exist.
func followLinks(path string) string {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Dir(path) + "/" + to // not Join: ".." is relative to where the link leads
		}
		path = to
	}
	return path
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

// commit puts the complete digits in their place.
func (f *outFile) commit() error {
	if f == nil {
		return nil
	}
	err := f.w.Flush()
	switch {
	case err != nil:
	case f.stream != nil:
		err = f.close()
	case f.target == "":
		err = f.overwrite(f.path)
	default:
		err = f.create()
	}
	return f.failed(err)
}

// create makes the complete file appear at once, if the file system can do so.
func (f *outFile) create() error {
	linked := unnamed.Link(f.spool, f.target)
	if linked == nil {
		return nil
	}
	err := f.overwrite(f.target)
	if err != nil && !errors.Is(linked, fs.ErrExist) { // else another process made the file
		os.Remove(f.target)
	}
	return err
}

// overwrite changes the content of the file and nothing else: not its owner, its permissions or its
// other links.
func (f *outFile) overwrite(path string) error {
	size, err := f.spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	err = replaceContent(file, f.spool, size)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return err
}

// replaceContent makes the size bytes of r the content of file. If there is no room for them, the
// old content stays.
func replaceContent(file *os.File, r io.Reader, size int64) error {
	if err := unnamed.Reserve(file, size); err != nil {
		return err
	}
	if _, err := io.Copy(file, r); err != nil {
		return err
	}
	return file.Truncate(size)
}

func (f *outFile) failed(err error) error {
	if err == nil {
		return nil
	}
	// Only the cause: the path is in the message already, or is one that no user gave.
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("factorial: write --out %s: %w", f.path, err)
}

// close discards what was not committed. It may be called again.
func (f *outFile) close() (err error) {
	if f == nil {
		return nil
	}
	if f.spool != nil {
		err = f.spool.Close()
	}
	if f.stream != nil && f.stream != os.Stdout && f.stream != os.Stderr {
		err = f.stream.Close()
	}
	f.spool, f.stream = nil, nil
	return err
}
