package shuffle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"mrrun/internal/shm"
	"mrrun/internal/unnamed"
)

// A File holds blocks of records. It has no name in any directory, so nothing of it is left when
// the last process that has it open ends. Append has one user at a time, but several processes,
// each with a File of its own, may append to the same file.
type File struct {
	file    *os.File
	what    string // for errors
	memory  bool   // it takes memory, not room on a disk
	checked int64  // bytes appended since it was last checked that there is memory
}

// NewMemory makes a file of shared memory; where that is not to be had, an unnamed file in
// [os.TempDir].
func NewMemory() (*File, error) {
	file, err := shm.NewFile("mrrun shuffle")
	if err != nil {
		return NewSpill(os.TempDir())
	}
	return appendable(&File{file: file, what: "shared memory", memory: true}), nil
}

// NewSpill makes a file without a name in the file system of dir.
func NewSpill(dir string) (*File, error) {
	file, err := unnamed.File(dir)
	if err != nil {
		return nil, fmt.Errorf("make a spill file in %s, which TMPDIR can change: %w", dir, err)
	}
	return appendable(&File{file: file, what: "a spill file in " + dir}), nil
}

// appendable makes every write to the file append. Where other processes cannot open the file, this
// process is the only one that writes to it.
func appendable(f *File) *File {
	place, err := shm.PlaceOf(f.file)
	if err != nil {
		return f
	}
	again, err := place.Open(os.O_RDWR | os.O_APPEND)
	if err != nil {
		return f
	}
	f.file.Close()
	f.file = again
	return f
}

// Place returns where other processes find the file, until this one closes it. ok is false if they
// cannot.
func (f *File) Place() (place shm.Place, ok bool) {
	place, err := shm.PlaceOf(f.file)
	return place, err == nil && shm.Findable()
}

// Open opens the file of another process.
func Open(place shm.Place) (*File, error) {
	file, err := place.Open(os.O_RDWR | os.O_APPEND)
	if err != nil {
		return nil, err
	}
	f := &File{file: file, what: "shared memory", memory: true}
	if path, err := os.Readlink(file.Name()); err == nil && !strings.HasPrefix(path, "/memfd:") {
		f.what, f.memory = "a spill file in "+filepath.Dir(path), false
	}
	return f, nil
}

// checkEvery is how many bytes are appended to shared memory between two looks at how much is left.
const checkEvery = 64 << 20

// Append appends a block and returns where it begins.
func (f *File) Append(block []byte) (offset int64, err error) {
	if err := f.check(len(block)); err != nil {
		return 0, f.fullError(block, err)
	}
	if _, err := f.file.Write(block); err != nil {
		return 0, f.fullError(block, err)
	}
	end, err := f.file.Seek(0, io.SeekCurrent) // of what this process wrote, whoever appends as well
	if err != nil {
		return 0, fmt.Errorf("write to %s: %w", f.what, err)
	}
	return end - int64(len(block)), nil
}

// check returns an error if memory runs out: the kernel would rather kill a process than refuse a
// write.
func (f *File) check(n int) error {
	if err := failing.Load(); err != nil {
		return *err
	}
	if f.checked += int64(n); !f.memory || f.checked < checkEvery {
		return nil
	}
	if available := shm.AvailableMemory(); available < f.checked {
		return fmt.Errorf("memory runs out, only %d bytes are available: %w", available, syscall.ENOMEM)
	}
	f.checked = 0
	return nil
}

func (f *File) fullError(block []byte, err error) error {
	size, _ := f.file.Seek(0, io.SeekEnd)
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("write %d bytes to %s, which has %d: %w", len(block), f.what, size, err)
}

// failing is the error of all appends; nil: they work.
var failing atomic.Pointer[error]

// FailAppends lets all appends of this process fail with err, as a full disk does. It is for tests,
// which must call stop at the end.
func FailAppends(err error) (stop func()) {
	failing.Store(&err)
	return func() { failing.Store(nil) }
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// An Extent is a part of a file that holds whole records.
type Extent struct {
	File   int // its number among the files of a shuffle
	Offset int64
	Length int
}

// Files are the files of a shuffle.
type Files []*File

// Read reads an extent into buf, which it enlarges if necessary. A few bytes after the result's
// length may be read.
func (fs Files) Read(e Extent, buf []byte) ([]byte, error) {
	if e.File < 0 || e.File >= len(fs) || fs[e.File] == nil || e.Length < 0 {
		return nil, fmt.Errorf("read records: there is no file %d with %d bytes", e.File, e.Length)
	}
	if cap(buf) < e.Length+slack {
		buf = make([]byte, e.Length+slack)
	}
	buf = buf[:e.Length]
	f := fs[e.File]
	if _, err := f.file.ReadAt(buf, e.Offset); err != nil {
		return nil, fmt.Errorf("read %d bytes from %s: %w", e.Length, f.what, err)
	}
	return buf, nil
}

// Free gives back what the files hold, even if other processes still have them open, and closes
// them.
func (fs Files) Free() error {
	for _, f := range fs {
		if f != nil {
			_ = f.file.Truncate(0)
		}
	}
	return fs.Close()
}

// Close closes all files.
func (fs Files) Close() error {
	var first error
	for _, f := range fs {
		if f == nil {
			continue
		}
		if err := f.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// WithSlack returns records, after which a few bytes may be read, with the same content.
func WithSlack(records []byte) []byte {
	if cap(records)-len(records) >= slack {
		return records
	}
	with := make([]byte, len(records), len(records)+slack)
	copy(with, records)
	return with
}
