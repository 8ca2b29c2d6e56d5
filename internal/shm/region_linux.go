package shm

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Region is a file without a name, mapped into this process and into others.
type Region struct {
	file *os.File
	mem  []byte
}

// NewRegion makes a region of size bytes, all zero, that can neither shrink nor grow. Pages exist when they are touched.
func NewRegion(name string, size int64) (*Region, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("make shared memory %s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	err = file.Truncate(size)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("make shared memory %s of %d bytes: %w", name, size, err)
	}
	return MapRegion(file)
}

// MapRegion maps all of a file that NewRegion made, here or in another process. The region owns the file from then on,
// and closes it if it cannot be mapped.
func MapRegion(file *os.File) (*Region, error) {
	info, err := file.Stat()
	var mem []byte
	if err == nil {
		var at unsafe.Pointer
		at, err = unix.MmapPtr(int(file.Fd()), 0, nil, uintptr(info.Size()),
			unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
		if err == nil {
			mem = unsafe.Slice((*byte)(at), info.Size())
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("map shared memory %s: %w", file.Name(), err)
	}
	return &Region{file: file, mem: mem}, nil
}

// FindRegion maps the region that process pid has as its descriptor fd. It is an error if that is another file than the
// one with these numbers by now.
func FindRegion(pid, fd int, dev, inode uint64) (*Region, error) {
	file, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pid, fd), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("find shared memory of process %d: %w", pid, err)
	}
	var st unix.Stat_t
	err = unix.Fstat(int(file.Fd()), &st)
	if err == nil && (st.Dev != dev || st.Ino != inode) {
		err = fmt.Errorf("%w: its descriptor %d is another file by now", os.ErrNotExist, fd)
	}
	if err == nil && !sealed(file) {
		err = fmt.Errorf("its descriptor %d is no region", fd)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("find shared memory of process %d: %w", pid, err)
	}
	return MapRegion(file)
}

// sealed reports whether nobody can cut the file off: that would make touching the memory a crash.
func sealed(file *os.File) bool {
	seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0)
	return err == nil && seals&unix.F_SEAL_SHRINK != 0
}

// Bytes returns the mapped memory. It must not be touched after Close: that is a crash.
func (r *Region) Bytes() []byte { return r.mem }

// File returns the file, for [FindRegion] and for children to inherit.
func (r *Region) File() *os.File { return r.file }

// Identity returns the numbers that tell this file from all others.
func (r *Region) Identity() (dev, inode uint64, err error) {
	var st unix.Stat_t
	err = unix.Fstat(int(r.file.Fd()), &st)
	return st.Dev, st.Ino, err
}

// CloseFile closes the file and leaves the memory mapped. Nobody can find the region in this process any more.
func (r *Region) CloseFile() error {
	file := r.file
	r.file = nil
	return file.Close()
}

// Close unmaps the region in this process and closes the file.
func (r *Region) Close() error {
	if err := unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(r.mem)), uintptr(len(r.mem))); err != nil {
		return fmt.Errorf("unmap shared memory: %w", err)
	}
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
