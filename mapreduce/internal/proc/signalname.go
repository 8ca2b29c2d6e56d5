package proc

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName is the name that kill -l knows, such as SIGKILL.
func signalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}
