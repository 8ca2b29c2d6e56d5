package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Narrow makes a pipe as small as the system allows, so that it accepts a write only when it is
// empty.
func Narrow(w *os.File) {
	control(w, func(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, os.Getpagesize()) })
}

// AwaitTaken waits until all that was written to a [Narrow] pipe has been read. It returns an error
// if no process can read it any more, or if the pipe is closed meanwhile.
func AwaitTaken(w *os.File) error {
	raw, err := w.SyscallConn()
	if err != nil {
		return err
	}
	var broken bool
	err = raw.Write(func(fd uintptr) bool {
		left, err := unix.IoctlGetInt(int(fd), bytesWaiting)
		if left == 0 || err != nil {
			return true
		}
		ends := []unix.PollFd{{Fd: int32(fd)}}
		_, _ = unix.Poll(ends, 0)
		broken = ends[0].Revents&unix.POLLERR != 0
		return broken
	})
	if broken {
		return unix.EPIPE
	}
	return err
}
