package proc

import (
	"os"
	"syscall"
)

// A Pipe is the writing end of a pipe that can also be written to without waiting.
type Pipe struct{ *os.File }

// TryWrite writes as much of b as fits, and returns how many bytes that was. It does not block;
// errors are left to Write.
func (p Pipe) TryWrite(b []byte) (n int) {
	raw, err := p.SyscallConn()
	if err != nil || len(b) == 0 {
		return 0
	}
	_ = raw.Write(func(fd uintptr) bool {
		n, _ = syscall.Write(int(fd), b)
		return true
	})
	return max(n, 0)
}

// control calls f with the pipe's descriptor, unless the pipe is closed.
func control(pipe *os.File, f func(fd int)) {
	if raw, err := pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
