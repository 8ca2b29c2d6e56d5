package text

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"mrrun/internal/unnamed"
)

// spool copies what open gives to a temporary file and returns the path at
// which any process of the same user can open the copy, until done is called.
func spool(ctx context.Context, name string, open func() (io.ReadCloser, error)) (path string, done func() error, err error) {
	file, path, done, err := tempFile()
	if err != nil {
		return "", nil, fmt.Errorf("copy %s: %w", name, err)
	}

	// Nothing interrupts a read of a terminal or the opening of a named pipe
	// that nobody writes to, so these wait in a goroutine that can be left.
	copied := make(chan error, 1)
	go func() { copied <- copyFrom(file, name, open) }()

	select {
	case err = <-copied:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return "", nil, errors.Join(err, done())
	}
	return path, done, nil
}

// tempFile creates a file to spool to. If /proc is available, the file has no name and is reached
// through the descriptor of this process: then the system frees it even if the process is killed.
func tempFile() (file *os.File, path string, done func() error, err error) {
	if file, err := unnamed.File(os.TempDir()); err == nil {
		path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())
		if leadsTo(path, file) {
			return file, path, file.Close, nil
		}
		file.Close()
	}
	file, err = os.CreateTemp("", "mrrun-text-*")
	if err != nil {
		return nil, "", nil, fmt.Errorf("%w (set TMPDIR to a writable directory)", err)
	}
	name := file.Name()
	return file, name, func() error { return errors.Join(file.Close(), os.Remove(name)) }, nil
}

// leadsTo reports whether path is the open file.
func leadsTo(path string, file *os.File) bool {
	found, err := os.Stat(path)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && os.SameFile(found, info)
}

func copyFrom(w io.Writer, name string, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close() // it was only read

	in := &errorKeeper{r: r}
	_, err = io.Copy(w, in)
	switch {
	case in.err != nil:
		return readError(name, in.err)
	case err != nil:
		return fmt.Errorf("copy %s to a temporary file: %w (set TMPDIR to a directory with more room)", name, err)
	}
	return nil
}

// errorKeeper tells a failed read from a failed write, which io.Copy does not.
type errorKeeper struct {
	r   io.Reader
	err error
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}
