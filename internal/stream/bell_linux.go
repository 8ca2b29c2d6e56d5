package stream

import "golang.org/x/sys/unix"

func writeByte(fd uintptr) { _, _ = unix.Write(int(fd), []byte{0}) }

// hungUp reports whether the other end of a file is closed.
func hungUp(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd)}}
	n, _ := unix.Poll(fds, 0)
	return n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}
