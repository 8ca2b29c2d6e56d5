package proc

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
	rings "mrrun/internal/stream"
)

// PipesVariable is the environment variable that, if it is not empty in a driver, makes requests
// and answers go through pipes, as where there is no shared memory.
const PipesVariable = "MRRUN_PIPES"

// ringSize is the size in bytes of the two rings through which requests and answers go. Larger
// bodies than this lie elsewhere in shared memory, and a ring takes memory as it is used.
const ringSize = 64 << 10

// A memory is what a worker and its driver have mapped: on its first page, behind the words of the
// rings, the note; behind that page, if the system has shared memory, the rings.
type memory struct {
	file   *os.File
	bytes  []byte
	region *shm.Region // nil: there are no rings
}

const (
	firstPage = 4096
	noteAt    = rings.UserBytes
)

func newMemory() (*memory, error) {
	if os.Getenv(PipesVariable) == "" {
		if region, err := rings.NewRegion(ringSize); err == nil {
			return ofRegion(region), nil
		}
	}
	f, err := anonymousFile("mrrun note", firstPage)
	if err != nil {
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	return mapMemory(f)
}

func ofRegion(r *shm.Region) *memory { return &memory{file: r.File(), bytes: r.Bytes(), region: r} }

// mapMemory maps the memory in a file. It owns the file from then on.
func mapMemory(f *os.File) (*memory, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	if info.Size() > firstPage {
		region, err := shm.MapRegion(f)
		if err != nil {
			return nil, err
		}
		return ofRegion(region), nil
	}
	bytes, err := unix.Mmap(int(f.Fd()), 0, firstPage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return &memory{file: f, bytes: bytes}, nil
}

// close unmaps a memory that has no rings; the stream that has the rings unmaps the others.
func (m *memory) close() {
	if m.region == nil && m.bytes != nil {
		_ = unix.Munmap(m.bytes)
		m.file.Close()
		m.bytes = nil
	}
}
