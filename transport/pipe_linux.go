package transport

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
)

// control calls f with the descriptor of a file, which stays open meanwhile.
func control(file *os.File, f func(fd int) error) error {
	c, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if c.Control(func(fd uintptr) { failed = f(int(fd)) }) != nil {
		return ErrClosed // the only reason
	}
	return failed
}

// placeOf returns where other processes of this user find an open file.
func placeOf(file *os.File) (place shm.Place, err error) {
	err = control(file, func(fd int) error {
		var st unix.Stat_t
		err := unix.Fstat(fd, &st)
		place = shm.Place{PID: os.Getpid(), FD: fd, Dev: st.Dev, Inode: st.Ino}
		return err
	})
	return place, err
}

// openFIFO opens a FIFO that another process has open, for reading or for writing.
func openFIFO(place shm.Place, how int) (*os.File, error) {
	path := fmt.Sprintf("/proc/%d/fd/%d", place.PID, place.FD)
	gone := fmt.Errorf("%w: process %d has closed it or has ended", shm.ErrGone, place.PID)
	var st unix.Stat_t
	err := unix.Stat(path, &st) // opening another file may have effects
	if blocked := shm.Unreachable(place.PID, err); blocked != nil {
		return nil, blocked
	}
	if err != nil || !isFIFO(&st, place) {
		return nil, gone
	}
	file, err := os.OpenFile(path, how|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENXIO) {
		return nil, errOtherGone
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	err = control(file, func(fd int) error { return unix.Fstat(fd, &st) })
	if err == nil && !isFIFO(&st, place) {
		err = gone
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func isFIFO(st *unix.Stat_t, place shm.Place) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFIFO && st.Dev == place.Dev && st.Ino == place.Inode
}
