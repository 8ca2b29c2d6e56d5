package shm

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Findable reports whether other processes of this user can open the files of this one, as
// [Place.Find] does. They cannot where /proc is not mounted, nor if this process has changed its
// user or was started from a file that its user may not read.
func Findable() bool {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && (dumpable == 1 || findsAll()) && finds(os.Getpid())
}

// findsAll reports whether this process, and so the others of its user, may open the files of all
// processes.
func findsAll() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	err := unix.Capget(&header, &sets[0])
	return err == nil && sets[0].Effective>>unix.CAP_SYS_PTRACE&1 == 1
}

// Unreachable returns why err, from a look at what process pid has open, does not say that this is
// gone: /proc is missing, or does not show it to this user. Otherwise it returns nil.
func Unreachable(pid int, err error) error {
	switch {
	case err == nil:
		return nil
	case !finds(os.Getpid()):
		return fmt.Errorf("what another process has open is found in /proc, which is not mounted: %v", err)
	case errors.Is(err, os.ErrPermission) && lives(pid, startOf(pid)): // else /proc says so of what has ended
		return fmt.Errorf("process %d runs as another user, or from a file that its user may not read: %v", pid, err)
	}
	return nil
}

// FindsParent reports whether this process can open the files of its parent.
func FindsParent() bool { return finds(os.Getppid()) }

func finds(pid int) bool {
	_, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil
}
