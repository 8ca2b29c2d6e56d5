package shm

import "errors"

// ErrUnsupported is returned where there is no shared memory that outlives a killed process: anywhere but on Linux.
var ErrUnsupported = errors.New("shared memory between processes needs Linux")

// ErrFull is wrapped by the errors about a table without a free slot or without room for another object.
var ErrFull = errors.New("the table of the process tree is full")

// ErrGone is wrapped by the error about a handle of an object that was closed, or of another tree or kind.
var ErrGone = errors.New("no such shared object")
