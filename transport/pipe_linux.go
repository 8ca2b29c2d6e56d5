package transport

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
)

// pipeSize is how much a pipe takes before Send blocks, if the system allows it. A user may have 64 MiB in all.
const pipeSize = 256 << 10

func enlarge(f *os.File) {
	_ = control(f, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
		return err
	})
}

// moment is how long [PipeEnd.Poll] waits that shall not wait.
const moment = 0

func isBroken(err error) bool { return errors.Is(err, unix.EPIPE) }

// control calls f with the descriptor of a file, which stays open meanwhile, and does not block others.
func control(file *os.File, f func(fd int) error) error {
	c, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if c.Control(func(fd uintptr) { failed = f(int(fd)) }) != nil {
		return os.ErrClosed // the only reason; its error does not say so to errors.Is
	}
	return failed
}

// readable reports whether a read would return at once.
func readable(file *os.File) (ready bool, err error) {
	err = control(file, func(fd int) error {
		for {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(fds, 0)
			if err == unix.EINTR {
				continue
			}
			ready = n > 0
			return err
		}
	})
	return ready, err
}

// placeOf says where other processes of this user find an open pipe; that of no file is the zero Place.
func placeOf(file *os.File) (place shm.Place, err error) {
	if file == nil {
		return place, nil
	}
	err = control(file, func(fd int) error {
		var st unix.Stat_t
		err := unix.Fstat(fd, &st)
		place = shm.Place{PID: os.Getpid(), FD: fd, Dev: st.Dev, Inode: st.Ino}
		return err
	})
	if errors.Is(err, os.ErrClosed) {
		err = ErrClosed
	}
	return place, err
}

// openEnd opens the pipe that a process has open, for reading or for writing.
func openEnd(place shm.Place, how int) (*os.File, error) {
	path := fmt.Sprintf("/proc/%d/fd/%d", place.PID, place.FD)
	gone := fmt.Errorf("%w: process %d has closed it or has ended", shm.ErrGone, place.PID)
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || !isPipe(&st, place) { // to open another file may have effects
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
	if err == nil && !isPipe(&st, place) {
		err = gone
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func isPipe(st *unix.Stat_t, place shm.Place) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFIFO && st.Dev == place.Dev && st.Ino == place.Inode
}
