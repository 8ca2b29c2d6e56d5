package transport

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// patience is how long a read waits in the kernel itself, in milliseconds. A deadline or a Close can come so much later.
const patience = 1

// An eagerReader reads a pipe. When it is empty it waits in the kernel for a moment, from where it is woken in half the time
// that the scheduler takes to find out and to run a goroutine; and then like any other. One goroutine at a time uses it.
type eagerReader struct {
	raw    syscall.RawConn
	try    func(fd uintptr) bool
	waited bool
	into   []byte
	n      int
	fails  error
}

func (r *eagerReader) read(file *os.File, into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	if r.raw == nil {
		raw, err := file.SyscallConn()
		if err != nil {
			return 0, err
		}
		r.raw, r.try = raw, r.attempt
	}
	r.into, r.waited = into, false
	err := r.raw.Read(r.try)
	r.into = nil
	switch {
	case err != nil:
		return file.Read(into) // it fails likewise, with an error that errors.Is knows
	case r.fails != nil:
		return 0, os.NewSyscallError("read", r.fails)
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// attempt is called when there may be something to read, and reports whether there was. The first time it waits for a
// moment, without the detour by the scheduler's own waiting for files.
func (r *eagerReader) attempt(fd uintptr) bool {
	once := func() bool {
		r.n, r.fails = unix.Read(int(fd), r.into)
		return r.fails != unix.EAGAIN && r.fails != unix.EINTR
	}
	if once() {
		return true
	}
	if r.waited {
		return false
	}
	r.waited = true
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, patience)
	return once()
}
