// Package outfile writes the file of a flag --out.
package outfile

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"mrrun/internal/plain"
	"mrrun/internal/stdio"
	"mrrun/internal/unnamed"
)

// A File takes the lines of a result. A regular file gets them when they are complete: a run that
// fails, or is killed, leaves the old content and no other file. Standard output, pipes and devices
// get the lines as they come. A nil File ignores them. A File is not safe for concurrent use.
type File struct {
	path   string
	target string       // what path leads to, if nothing is there
	spool  *os.File     // takes the lines for a regular file; it has no name
	stream *os.File     // takes the lines for anything else
	plain  plain.Writer // before a stream that is a terminal
	w      *bufio.Writer
}

// Create opens the file that path names: "-" and the like are standard output or standard error.
// The errors of it and of the methods begin with "write --out" and the path. While a named pipe has
// no reader, Create waits, until ctx ends.
func Create(ctx context.Context, path string) (*File, error) {
	f := &File{path: path}
	if err := f.open(ctx); err != nil {
		return nil, f.failed(err)
	}
	var to io.Writer = f.spool
	if f.spool == nil {
		to = f.stream
		if term.IsTerminal(int(f.stream.Fd())) { // which must not obey what is written
			f.plain.To = f.stream
			to = &f.plain
		}
	}
	f.w = bufio.NewWriterSize(to, 1<<20)
	return f, nil
}

func (f *File) open(ctx context.Context) error {
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
	done := make(chan opened, 1)
	go func() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
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

// Write writes a part of a line.
func (f *File) Write(text []byte) (int, error) {
	if f == nil {
		return len(text), nil
	}
	n, err := f.w.Write(text)
	return n, f.failed(err)
}

// WriteLine writes text and a newline.
func (f *File) WriteLine(text []byte) error {
	if f == nil {
		return nil
	}
	_, err := f.w.Write(text)
	if err == nil {
		err = f.w.WriteByte('\n')
	}
	return f.failed(err)
}

// Commit puts the complete lines in their place.
func (f *File) Commit() error {
	if f == nil {
		return nil
	}
	err := f.w.Flush()
	if f.plain.To != nil {
		err = cmp.Or(err, f.plain.Flush())
	}
	switch {
	case err != nil:
	case f.stream != nil:
		err = f.Close()
	case f.target == "":
		err = f.overwrite(f.path)
	default:
		err = f.create()
	}
	return f.failed(err)
}

// create makes the complete file appear at once, if the file system can do so.
func (f *File) create() error {
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
func (f *File) overwrite(path string) error {
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

func (f *File) failed(err error) error {
	if err == nil {
		return nil
	}
	// Only the cause: the path is in the message already, or is one that no user gave.
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("write --out %s: %w", f.path, err)
}

// Close discards what was not committed. It may be called again.
func (f *File) Close() (err error) {
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
