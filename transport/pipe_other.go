//go:build !linux

package transport

import (
	"os"

	"mrrun/internal/shm"
)

func placeOf(*os.File) (shm.Place, error) { return shm.Place{}, shm.ErrUnsupported }

func openFIFO(shm.Place, int) (*os.File, error) { return nil, shm.ErrUnsupported }
