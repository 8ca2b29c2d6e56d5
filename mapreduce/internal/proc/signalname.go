package proc

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName returns the name of a signal as kill -l prints it, such as SIGKILL.
func signalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}
