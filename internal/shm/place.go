package shm

// A Place says where to find a region, as long as the process that made it keeps it open.
type Place struct {
	PID, FD    int
	Dev, Inode uint64
}

// Place returns where other processes of this user can find the region.
func (r *Region) Place() (Place, error) { return PlaceOf(r.File()) }

// Map maps the region at this place and keeps no file open. The error wraps [os.ErrNotExist] if the
// process has closed the region or has ended.
func (pl Place) Map() (*Region, error) {
	r, err := pl.Find()
	if err != nil {
		return nil, err
	}
	return r, r.CloseFile()
}
