//go:build !linux

package transport

import (
	"errors"
	"os"
	"syscall"
	"time"

	"mrrun/internal/shm"
)

func enlarge(*os.File) {}

// moment is how long [PipeEnd.Poll] waits that shall not wait: what is there can be found by reading alone.
const moment = time.Millisecond

func isBroken(err error) bool { return errors.Is(err, syscall.EPIPE) }

// readable reports false, as that cannot be told.
func readable(*os.File) (bool, error) { return false, nil }

// placeOf returns [shm.ErrUnsupported]: an end cannot be sent.
func placeOf(*os.File) (shm.Place, error) { return shm.Place{}, shm.ErrUnsupported }

func openEnd(shm.Place, int) (*os.File, error) { return nil, shm.ErrUnsupported }

// An eagerReader reads.
type eagerReader struct{}

func (eagerReader) read(file *os.File, p []byte) (int, error) { return file.Read(p) }
