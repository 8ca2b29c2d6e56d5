package proc

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adoptsOrphans reports whether orphans become children of this process: it is the init of a
// container, or a subreaper.
func adoptsOrphans() bool {
	if os.Getpid() == 1 {
		return true
	}
	var subreaper int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&subreaper)), 0, 0, 0)
	return err == nil && subreaper != 0
}

// reapOrphans reaps the remaining processes of a worker's group, which was killed; the worker
// itself was reaped before. It waits only for the group, so that other children are left to what
// has started them. The number of a group is not reused while the group has members.
func reapOrphans(group int) {
	for {
		if _, err := unix.Wait4(-group, nil, 0, nil); err != nil && err != unix.EINTR {
			return
		}
	}
}
