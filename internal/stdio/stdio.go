// Package stdio knows the standard streams of a command: the names that users give them, and
// whether they are open.
package stdio

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// names are the names of descriptors 0, 1 and 2. They stand for the descriptor itself: opening such
// a name fails for a socket, and gives a regular file a position of its own.
var names = [3][]string{
	{"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"},
	{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"},
	{"/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"},
}

// IsInput reports whether name means standard input.
func IsInput(name string) bool { return slices.Contains(names[0], name) }

// Output returns standard output or standard error if name means it, and nil otherwise.
func Output(name string) *os.File {
	switch {
	case slices.Contains(names[1], name):
		return os.Stdout
	case slices.Contains(names[2], name):
		return os.Stderr
	}
	return nil
}

// CheckInput returns an error if standard input is closed or cannot be read.
func CheckInput() error { return check(0, unix.O_WRONLY, "standard input", "reading") }

// CheckOutput returns an error if standard output is closed or cannot be written to.
func CheckOutput() error { return check(1, unix.O_RDONLY, "standard output", "writing") }

// check returns an error if fd is closed, or is open only in the useless mode.
func check(fd uintptr, useless int, name, use string) error {
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	mode := flags & unix.O_ACCMODE
	switch {
	case err != nil || mode == unix.O_RDWR && standsIn(fd):
		return fmt.Errorf("%s is closed, or is /dev/null opened for reading and writing, which looks the same: "+
			"open /dev/null for %s alone if you mean that", name, use)
	case mode == useless:
		return fmt.Errorf("%s is not open for %s", name, use)
	}
	return nil
}

// standsIn reports whether fd, which is open for reading and writing, is the /dev/null that the Go
// runtime opens in place of a closed standard descriptor. There is no other sign: a program that
// opened /dev/null in this mode for this descriptor alone looks like one that closed it. Daemons
// have the same opening at several descriptors.
func standsIn(fd uintptr) bool {
	var null, is unix.Stat_t
	if unix.Stat(os.DevNull, &null) != nil || unix.Fstat(int(fd), &is) != nil || is.Mode&unix.S_IFMT != unix.S_IFCHR || is.Rdev != null.Rdev {
		return false
	}
	for other := range uintptr(3) {
		if other != fd && sameOpening(fd, other) {
			return false
		}
	}
	return true
}

// sameOpening reports whether descriptors a and b share their flags, as a descriptor and its copy
// do. a must be /dev/null, which ignores the flag that is changed for a moment.
func sameOpening(a, b uintptr) bool {
	flagsA, errA := unix.FcntlInt(a, unix.F_GETFL, 0)
	flagsB, errB := unix.FcntlInt(b, unix.F_GETFL, 0)
	if errA != nil || errB != nil {
		return false
	}
	if _, err := unix.FcntlInt(a, unix.F_SETFL, flagsA^unix.O_APPEND); err != nil {
		return false
	}
	defer unix.FcntlInt(a, unix.F_SETFL, flagsA)
	now, err := unix.FcntlInt(b, unix.F_GETFL, 0)
	return err == nil && now != flagsB
}
