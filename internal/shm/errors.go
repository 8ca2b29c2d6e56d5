package shm

import (
	"errors"
	"fmt"
)

// ErrUnsupported is returned on systems other than Linux: they have no shared memory that outlives
// a killed process.
var ErrUnsupported = errors.New("shared memory between processes needs Linux")

// ErrFull is wrapped by errors that say that the table has no free slot or no room for an object.
var ErrFull = errors.New("the table of the process tree is full")

// ErrGone is wrapped by errors about the handle of an object that was closed, or that belongs to
// another tree or has another kind.
var ErrGone = errors.New("no such shared object")

// tooLarge returns the error about something that no table could hold, even an empty one.
func tooLarge[N int | int64](size, limit N) error {
	return fmt.Errorf("%d bytes are more than the limit of %d bytes: make it smaller, or split it", size, limit)
}
