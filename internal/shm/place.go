package shm

import (
	"fmt"
	"os"
)

// A Place says where to find a region, as long as the process that made it keeps it open.
type Place struct {
	PID, FD    int
	Dev, Inode uint64
}

// Place returns where other processes of this user can find the region.
func (r *Region) Place() (Place, error) {
	dev, inode, err := r.Identity()
	if err != nil {
		return Place{}, fmt.Errorf("find the place of shared memory: %w", err)
	}
	return Place{os.Getpid(), int(r.File().Fd()), dev, inode}, nil
}

// Map maps the region at this place and keeps no file open. The error wraps [os.ErrNotExist] if the
// process has closed the region or has ended.
func (pl Place) Map() (*Region, error) {
	r, err := FindRegion(pl.PID, pl.FD, pl.Dev, pl.Inode)
	if err != nil {
		return nil, err
	}
	return r, r.CloseFile()
}
