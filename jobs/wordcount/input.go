package wordcount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"mrrun/jobs"
)

// source is a regular file that any process of this machine can open by path.
type source struct {
	name string // what the user calls it
	path string
}

// inputs are the texts to count. They stay readable until close.
type inputs struct {
	sources []source
	release []func() error
}

// openInputs makes a source of each argument: a file, or "-" for stdin. What is
// no regular file is first copied to a temporary one, because workers read
// their parts in any order; a cancelled ctx ends the wait for such input.
func openInputs(ctx context.Context, args []string, stdin io.Reader) (*inputs, error) {
	in := &inputs{}
	stdinUsed := false
	for _, arg := range args {
		var err error
		switch {
		case arg == "":
			err = jobs.Usagef("a file name is empty: give a FILE, or - for standard input")
		case arg != "-":
			err = in.addFile(ctx, arg)
		case stdinUsed:
			err = jobs.Usagef("standard input is given twice, but can be read only once: give - once")
		default:
			stdinUsed = true
			err = in.addSpooled(ctx, "standard input", func() (io.ReadCloser, error) {
				return io.NopCloser(stdin), nil
			})
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("wordcount: %w", err), in.close())
		}
	}
	return in, nil
}

// close frees the temporary files. Call it when no worker reads any more.
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
		in.sources = append(in.sources, source{name: name, path: path})
		return nil
	}
	return in.addSpooled(ctx, name, func() (io.ReadCloser, error) { return openText(name, name) })
}

func (in *inputs) addSpooled(ctx context.Context, name string, open func() (io.ReadCloser, error)) error {
	path, done, err := spool(ctx, name, open)
	if err != nil {
		return err
	}
	in.sources = append(in.sources, source{name: name, path: path})
	in.release = append(in.release, done)
	return nil
}

// sharedPath returns the path under which every process finds the regular file
// name. There is none for /dev/stdin and its like, which mean another file in
// each process, nor for the files of the kernel, whose size is not known.
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
	for _, dir := range []string{"/proc/", "/sys/", "/dev/fd/"} {
		if strings.HasPrefix(path, dir) {
			return "", false
		}
	}
	// The link of an open file in /proc names the path it once had.
	found, err := os.Stat(path)
	return path, err == nil && os.SameFile(info, found)
}
