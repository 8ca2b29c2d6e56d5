package outfile

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A terminal does not obey the lines.
func TestTerminal(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave := fmt.Sprintf("/dev/pts/%d", n)
	kept, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0) // what is written stays until it is read
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	f, err := Create(t.Context(), slave)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteLine([]byte("a\x1b[2J")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	size, err := master.Read(got)
	if string(got[:size]) != "a\\x1b[2J\r\n" || err != nil {
		t.Errorf("%q, %v", got[:size], err)
	}
}
