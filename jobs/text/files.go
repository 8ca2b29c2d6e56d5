// Package text cuts text files into parts, which tasks read by themselves, and finds the words or
// the records of a part. It is for jobs over any text:
//
//	files, err := text.Open(ctx, names, false)
//	parts, err := files.Parts(0)
//	result, err := job.Run(ctx, pool, params, parts)
//
// where the job's Map gets a [Part] and reads it by [Words.Each] or [Table.Each].
package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mrrun/internal/stdio"
	"mrrun/internal/usage"
)

// Files are texts that every process of this machine can read, until Close. The methods of Files
// are not safe for concurrent use.
type Files struct {
	sources []source
	release []func() error
	notes   []string
}

// source is a regular file that every process of this machine can open by path.
type source struct {
	name  string // the name that the user gave
	path  string
	start int64 // where the text begins, in bytes
	size  int64 // of the file
	gzip  bool
}

// Open makes ready the texts of the files with these names; "-" is standard input. With recursive,
// a folder stands for all files below it, in the order of their names, without links and binary
// files. Gzip data is recognised by its first bytes, whatever the name. If files cannot be read,
// the error names them all.
//
// What is not a regular file is first copied to a temporary one, because tasks read their parts in
// any order; when ctx ends, so does the wait for such input. Standard input that is a file is read
// in place from its position on, which moves to the end.
func Open(ctx context.Context, names []string, recursive bool) (*Files, error) {
	if slices.ContainsFunc(names, stdio.IsInput) {
		if err := stdio.CheckInput(); err != nil {
			return nil, err
		}
	}
	return open(ctx, names, recursive, os.Stdin)
}

func open(ctx context.Context, names []string, recursive bool, stdin io.Reader) (*Files, error) {
	files := &Files{}
	var unreadable []error
	stdinUsed := false
	for _, name := range names {
		var err error
		switch {
		case name == "":
			err = usage.Errorf("a file name is empty: give a FILE, or - for standard input")
			return nil, errors.Join(err, files.Close())
		case !stdio.IsInput(name):
			err = files.add(ctx, name, recursive)
		case stdinUsed:
			err = usage.Errorf("standard input is given twice, but can be read only once: give - once")
			return nil, errors.Join(err, files.Close())
		default:
			stdinUsed = true
			err = files.addStdin(ctx, stdin)
		}
		if ctx.Err() != nil {
			return nil, errors.Join(context.Cause(ctx), files.Close())
		}
		if err != nil {
			unreadable = append(unreadable, err)
		}
	}
	if len(unreadable) > 0 {
		return nil, errors.Join(append(unreadable, files.Close())...)
	}
	return files, nil
}

// Size returns how many bytes the files have, compressed or not.
func (f *Files) Size() int64 {
	total := int64(0)
	for _, s := range f.sources {
		total += max(s.size-s.start, 0)
	}
	return total
}

// Names returns the name of each file, once, in their order.
func (f *Files) Names() (names []string) {
	if f == nil {
		return nil
	}
	known := map[string]bool{}
	for _, s := range f.sources {
		if !known[s.name] {
			known[s.name] = true
			names = append(names, s.name)
		}
	}
	return names
}

// Notes returns remarks for the user: files that look binary, and after Close those that grew.
func (f *Files) Notes() []string {
	if f == nil {
		return nil
	}
	return f.notes
}

// Close removes temporary files. Call it when no task reads any more. It may be called again, and
// for nil.
func (f *Files) Close() error {
	if f == nil {
		return nil
	}
	for _, s := range f.sources {
		if info, err := os.Stat(s.path); err == nil && info.Size() > s.size {
			f.notes = append(f.notes, fmt.Sprintf("%s: grew from %d to %d bytes while it was read: the result is that of the first %[2]d",
				s.name, s.size, info.Size()))
		}
	}
	var errs []error
	for _, release := range f.release {
		errs = append(errs, release())
	}
	f.sources, f.release = nil, nil
	return errors.Join(errs...)
}

func (f *Files) add(ctx context.Context, name string, recursive bool) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return readError(name, err)
	case info.IsDir() && recursive:
		return f.addFolder(ctx, name)
	case info.IsDir():
		return fmt.Errorf("read %s: is a directory: give the files in it instead, or --recursive", name)
	}
	s := source{name: name}
	if path, ok := sharedPath(name, info); ok {
		s.path = path
		return f.addSource(s, false)
	}
	return f.addSpooled(ctx, name, func() (io.ReadCloser, error) { return openFile(name, name) })
}

// addFolder adds the regular files below folder. It goes on after one that cannot be read.
func (f *Files) addFolder(ctx context.Context, folder string) error {
	var unreadable []error
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && entry.Type().IsRegular():
			path, err := filepath.Abs(name)
			if err == nil {
				err = f.addSource(source{name: name, path: path}, true)
			}
			if err != nil {
				unreadable = append(unreadable, err)
			}
		case err != nil:
			unreadable = append(unreadable, readError(name, err))
		}
		return nil
	})
	return errors.Join(append(unreadable, err)...)
}

// addSource adds a regular file once it is known to be readable. A binary one is left out if it was
// only found in a folder.
func (f *Files) addSource(s source, found bool) error {
	file, err := openFile(s.path, s.name)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	info, err := file.Stat()
	if err != nil {
		return readError(s.name, err)
	}
	s.size = info.Size()
	head := make([]byte, max(min(headSize, s.size-s.start), 0))
	if err := readBlock(file, s.name, head, s.start); err != nil {
		return err
	}
	s.gzip = bytes.HasPrefix(head, gzipMagic)
	if zero := bytes.IndexByte(head, 0); zero >= 0 && !s.gzip {
		if found {
			f.notes = append(f.notes, fmt.Sprintf("%s: left out, as it is binary (it has a zero byte at offset %d)", s.name, zero))
			return nil
		}
		f.notes = append(f.notes, fmt.Sprintf("%s: is it text? It has a zero byte at offset %d", s.name, s.start+int64(zero)))
	}
	if !s.gzip && strings.HasSuffix(s.name, ".gz") {
		return fmt.Errorf("%s: is not gzip data, as its name says: give the file another name", s.name)
	}
	f.sources = append(f.sources, s)
	return nil
}

// addStdin adds the rest of stdin. A regular file is read in place, with the same effect as reading
// stdin itself: its position moves to the end.
func (f *Files) addStdin(ctx context.Context, stdin io.Reader) error {
	const name = "standard input"
	if file, ok := stdin.(*os.File); ok {
		if path, ok := openFilePath(file); ok {
			start, err := file.Seek(0, io.SeekCurrent)
			if err == nil {
				_, err = file.Seek(0, io.SeekEnd)
			}
			if err != nil {
				return readError(name, err)
			}
			return f.addSource(source{name: name, path: path, start: start}, false)
		}
	}
	return f.addSpooled(ctx, name, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
}

func (f *Files) addSpooled(ctx context.Context, name string, open func() (io.ReadCloser, error)) error {
	path, done, err := spool(ctx, name, open)
	if err != nil {
		return err
	}
	f.release = append(f.release, done)
	return f.addSource(source{name: name, path: path}, false)
}

// sharedPath returns a path at which every process finds the regular file name. There is none for
// /dev/stdin and its like, which mean a different file in each process, nor for the files of the
// kernel, whose size is not known.
func sharedPath(name string, info os.FileInfo) (path string, ok bool) {
	if !info.Mode().IsRegular() {
		return "", false
	}
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", false
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", false
	}
	if ofKernel(path) {
		return "", false
	}
	// In /proc, the link of an open file names the path that it once had.
	found, err := os.Stat(path)
	return path, err == nil && os.SameFile(info, found)
}

// openFilePath returns a path at which every process of the same user finds the regular file that
// this process has open, even if its name changes. There is none where the system shows no open
// files, or does not allow them to be opened again.
func openFilePath(file *os.File) (path string, ok bool) {
	path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())
	name, err := os.Readlink(path)
	if err != nil || ofKernel(name) {
		return "", false
	}
	again, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer again.Close()
	info, err := again.Stat()
	return path, err == nil && info.Mode().IsRegular()
}

// ofKernel reports whether path does not name a file on a disk: its size is unknown, or it differs
// between processes.
func ofKernel(path string) bool {
	return slices.ContainsFunc([]string{"/proc/", "/sys/", "/dev/fd/"}, func(dir string) bool {
		return strings.HasPrefix(path, dir)
	})
}
