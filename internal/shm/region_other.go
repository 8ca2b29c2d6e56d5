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

// Find returns [ErrUnsupported].
func (pl Place) Find() (*Region, error) { return nil, ErrUnsupported }

// Open returns [ErrUnsupported].
func (pl Place) Open(flags int) (*os.File, error) { return nil, ErrUnsupported }

// PlaceOf returns [ErrUnsupported].
func PlaceOf(*os.File) (Place, error) { return Place{}, ErrUnsupported }

// NewFile returns [ErrUnsupported].
func NewFile(string) (*os.File, error) { return nil, ErrUnsupported }

// AvailableMemory returns a number that is never too small, as the system does not say.
func AvailableMemory() int64 { return 1<<63 - 1 }

// Reserve returns [ErrUnsupported].
func (r *Region) Reserve(int64, int64) error { return ErrUnsupported }

// ReserveFile returns [ErrUnsupported].
func ReserveFile(*os.File, int64, int64) error { return ErrUnsupported }

func newRegion(string, int64, int64) (*Region, error)   { return nil, ErrUnsupported }
func mapRegion(file *os.File, _ int64) (*Region, error) { return MapRegion(file) }
func mapPart(*os.File, int64, int64) ([]byte, error)    { return nil, ErrUnsupported }
func unmap([]byte) error                                { return ErrUnsupported }
func fileSize(int64, int64) (int64, error)              { return 0, ErrUnsupported }
func (r *Region) giveBack(int64, int64)                 {}

// Bytes returns nil.
func (r *Region) Bytes() []byte { return nil }

// File returns nil.
func (r *Region) File() *os.File { return nil }

// CloseFile does nothing.
func (r *Region) CloseFile() error { return nil }

// Close does nothing.
func (r *Region) Close() error { return nil }
