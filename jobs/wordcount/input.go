package wordcount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mrrun/internal/stdio"
	"mrrun/jobs"
)

// source is a regular file that every process of this machine can open by path.
type source struct {
	name  string // the name that the user gave
	path  string
	start int64 // where the text begins, in bytes
}

// inputs are the texts to count. They stay readable until close.
type inputs struct {
	sources []source
	release []func() error
}

// openInputs makes a source of each argument: a file, or a name of stdin. Input that is not a
// regular file is first copied to a temporary one, because workers read their parts in any order;
// when ctx ends, so does the wait for such input.
func openInputs(ctx context.Context, args []string, stdin io.Reader) (*inputs, error) {
	in := &inputs{}
	stdinUsed := false
	for _, arg := range args {
		var err error
		switch {
		case arg == "":
			err = jobs.Usagef("a file name is empty: give a FILE, or - for standard input")
		case !stdio.IsInput(arg):
			err = in.addFile(ctx, arg)
		case stdinUsed:
			err = jobs.Usagef("standard input is given twice, but can be read only once: give - once")
		default:
			stdinUsed = true
			err = in.addStdin(ctx, stdin)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("wordcount: %w", err), in.close())
		}
	}
	return in, nil
}

// close frees the temporary files. It must be called when no worker reads any more.
func (in *inputs) close() error {
	var errs []error
	for _, release := range in.release {
		errs = append(errs, release())
	}
	in.release = nil
	return errors.Join(errs...)
}

func (in *inputs) addFile(ctx context.Context, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return readError(name, err)
	}
	if info.IsDir() {
		return fmt.Errorf("read %s: is a directory: give the files in it instead", name)
	}
	if path, ok := sharedPath(name, info); ok {
		in.sources = append(in.sources, source{name, path, 0})
		return nil
	}
	return in.addSpooled(ctx, name, func() (io.ReadCloser, error) { return openText(name, name) })
}

// addStdin adds the rest of stdin. A regular file is read in place, with the same effect as reading
// stdin itself: its position moves to the end.
func (in *inputs) addStdin(ctx context.Context, stdin io.Reader) error {
	const name = "standard input"
	if file, ok := stdin.(*os.File); ok {
		if path, ok := openFilePath(file); ok {
			start, err := file.Seek(0, io.SeekCurrent)
			if err == nil {
				_, err = file.Seek(0, io.SeekEnd)
			}
			in.sources = append(in.sources, source{name, path, start})
			return err
		}
	}
	return in.addSpooled(ctx, name, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
}

func (in *inputs) addSpooled(ctx context.Context, name string, open func() (io.ReadCloser, error)) error {
	path, done, err := spool(ctx, name, open)
	if err != nil {
		return err
	}
	in.sources = append(in.sources, source{name, path, 0})
	in.release = append(in.release, done)
	return nil
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
