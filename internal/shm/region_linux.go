package shm

import (
	"fmt"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Region is a file without a name, mapped into this process and possibly into others.
type Region struct {
	file *os.File
	mem  []byte
}

// NewRegion makes a region of size bytes, all zero, that can neither shrink nor grow. Its pages
// must be reserved before they are touched, see [Region.Reserve].
func NewRegion(name string, size int64) (*Region, error) { return newRegion(name, size, size) }

// newRegion is NewRegion for a region that is mapped only in part, from its beginning.
func newRegion(name string, size, mapped int64) (*Region, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		if err == unix.EPERM || err == unix.ENOSYS {
			err = fmt.Errorf("the sandbox (seccomp) has to allow memfd_create: %w", err)
		}
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
	return mapFile(file, mapped)
}

// MapRegion maps all of a file that NewRegion made, in this or another process. The region owns the
// file from then on. MapRegion closes the file if it cannot map it.
func MapRegion(file *os.File) (*Region, error) {
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("map shared memory %s: %w", file.Name(), err)
	}
	return mapFile(file, info.Size())
}

// mapRegion maps the first size bytes of a file that newRegion made. For any other file it closes
// the file and returns nil.
func mapRegion(file *os.File, size int64) (*Region, error) {
	if info, err := file.Stat(); err != nil || info.Size() < size || !sealed(file) {
		file.Close()
		return nil, err
	}
	return mapFile(file, size)
}

func mapFile(file *os.File, size int64) (*Region, error) {
	mem, err := mapPart(file, 0, size)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("map shared memory %s: %w", file.Name(), err)
	}
	return &Region{file: file, mem: mem}, nil
}

func mapPart(file *os.File, at, size int64) ([]byte, error) {
	mem, err := unix.MmapPtr(int(file.Fd()), at, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(mem), size), nil
}

func unmap(mem []byte) error {
	if err := unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem))); err != nil {
		return fmt.Errorf("unmap shared memory: %w", err)
	}
	return nil
}

// fileSize returns how large a file may be, in bytes, up to wanted. It fails if that is less than
// needed: making a larger file would raise a signal that ends the process.
func fileSize(wanted, needed int64) (int64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil || limit.Cur > math.MaxInt64 {
		return wanted, nil
	}
	if limit.Cur < uint64(needed) {
		return 0, fmt.Errorf("make shared memory of %d bytes: the file size limit (ulimit -f) is %d bytes", needed, limit.Cur)
	}
	return min(wanted, int64(limit.Cur)&^(pageSize-1)), nil
}

// reserveAtOnce bounds, in bytes, how much of a reservation starts anew after a signal.
const reserveAtOnce = 8 << 20

// Reserve is [ReserveFile] for the region. It must not be called after CloseFile.
func (r *Region) Reserve(at, n int64) error { return ReserveFile(r.file, at, n) }

// ReserveFile makes sure that the pages of n bytes at offset at have memory, so that touching them
// does not raise SIGBUS. The file must have no name. The error says that memory has run out.
func ReserveFile(file *os.File, at, n int64) error {
	if n > reserveAtOnce {
		if available := AvailableMemory(); n > available { // the kernel would rather kill a process than refuse
			return fmt.Errorf("reserve %d bytes of shared memory: only %d are available: %w", n, available, unix.ENOMEM)
		}
	}
	for end := at + n; at < end; at += reserveAtOnce {
		if err := fallocate(file, 0, at, min(reserveAtOnce, end-at)); err != nil {
			return fmt.Errorf("reserve %d bytes of shared memory: memory has run out: %w", n, err)
		}
	}
	return nil
}

// giveBack frees the memory of whole pages. They are zero when they are touched next.
func (r *Region) giveBack(at, n int64) {
	_ = fallocate(r.file, unix.FALLOC_FL_PUNCH_HOLE, at, n) // fails only where there is no such call
}

func fallocate(file *os.File, mode uint32, at, n int64) error {
	if mode == 0 && failNow() {
		return unix.ENOSPC
	}
	for {
		switch err := unix.Fallocate(int(file.Fd()), mode|unix.FALLOC_FL_KEEP_SIZE, at, n); err {
		case unix.EINTR:
		case unix.EOPNOTSUPP, unix.ENOSYS:
			return nil
		default:
			return err
		}
	}
}

// Find maps the region at this place. It fails if the descriptor there now is another file.
func (pl Place) Find() (*Region, error) {
	file, err := pl.Open(os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if !sealed(file) {
		file.Close()
		return nil, fmt.Errorf("find shared memory of process %d: its descriptor %d is not a region", pl.PID, pl.FD)
	}
	return MapRegion(file)
}

// Open opens the file at this place. It fails if the descriptor there now is another file.
func (pl Place) Open(flags int) (*os.File, error) {
	file, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pl.PID, pl.FD), flags, 0)
	if blocked := Unreachable(pl.PID, err); blocked != nil {
		err = blocked
	}
	if err != nil {
		return nil, fmt.Errorf("find shared memory of process %d: %w", pl.PID, err)
	}
	found, err := PlaceOf(file)
	if err == nil && (found.Dev != pl.Dev || found.Inode != pl.Inode) {
		err = fmt.Errorf("find shared memory of process %d: %w: its descriptor %d is now another file", pl.PID, os.ErrNotExist, pl.FD)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// PlaceOf returns where other processes of this user can find a file of this process.
func PlaceOf(file *os.File) (Place, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return Place{}, fmt.Errorf("find the place of %s: %w", file.Name(), err)
	}
	return Place{os.Getpid(), int(file.Fd()), st.Dev, st.Ino}, nil
}

// NewFile makes an empty file of memory that grows as it is written. Whoever only reads and writes
// it gets an error, not a SIGBUS, when memory runs out.
func NewFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make shared memory %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// sealed reports whether the file cannot be truncated, which would turn touching its memory into a
// crash.
func sealed(file *os.File) bool {
	seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0)
	return err == nil && seals&unix.F_SEAL_SHRINK != 0
}

// Bytes returns the mapped memory. Touching it after Close crashes the process.
func (r *Region) Bytes() []byte { return r.mem }

// File returns the file, for [PlaceOf] and for children to inherit.
func (r *Region) File() *os.File { return r.file }

// CloseFile closes the file and leaves the memory mapped. Other processes can no longer find the
// region in this one.
func (r *Region) CloseFile() error {
	file := r.file
	r.file = nil
	return file.Close()
}

// Close unmaps the region in this process and closes the file.
func (r *Region) Close() error {
	if err := unmap(r.mem); err != nil {
		return err
	}
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
