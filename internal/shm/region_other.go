//go:build !linux

package shm

import "os"

// A Region is memory that several processes have mapped; here there is none.
type Region struct{}

// NewRegion returns [ErrUnsupported].
func NewRegion(string, int64) (*Region, error) { return nil, ErrUnsupported }

// MapRegion closes the file and returns [ErrUnsupported].
func MapRegion(file *os.File) (*Region, error) {
	file.Close()
	return nil, ErrUnsupported
}

// FindRegion returns [ErrUnsupported].
func FindRegion(pid, fd int, dev, inode uint64) (*Region, error) { return nil, ErrUnsupported }

// Bytes returns nil.
func (r *Region) Bytes() []byte { return nil }

// File returns nil.
func (r *Region) File() *os.File { return nil }

// Identity returns [ErrUnsupported].
func (r *Region) Identity() (dev, inode uint64, err error) { return 0, 0, ErrUnsupported }

// CloseFile does nothing.
func (r *Region) CloseFile() error { return nil }

// Close does nothing.
func (r *Region) Close() error { return nil }
