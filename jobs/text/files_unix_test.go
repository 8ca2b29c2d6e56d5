//go:build unix

package text

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNamedPipe(t *testing.T) {
	dir := emptyTempDir(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte("b a B"), 0) }()

	counts, in := countInputs(t, []string{pipe}, nil)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if want := map[string]int64{"a": 1, "b": 2}; !maps.Equal(counts, want) {
		t.Errorf("got %v, want %v", counts, want)
	}
	if in.sources[0].name != pipe {
		t.Errorf("the pipe is called %q", in.sources[0].name)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
}

// The workers are other processes, which open the copy by its path.
func TestOtherProcessReadsCopy(t *testing.T) {
	emptyTempDir(t)
	in, err := open(t.Context(), []string{"-"}, false, strings.NewReader("one two"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := exec.CommandContext(t.Context(), "cat", in.sources[0].path).Output()
	if err != nil || string(out) != "one two" {
		t.Errorf("cat of the copy gives %q, error %v", out, err)
	}
}

// Standard input that is a file is read in place, from its position on, and is at its end
// afterwards.
func TestStandardInputInPlace(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	for _, removed := range []bool{false, true} {
		dir := emptyTempDir(t)
		file, err := os.Open(writeFile(t, "skipped one two one"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if removed {
			err = os.Remove(file.Name())
		}
		if _, serr := file.Seek(8, io.SeekStart); err != nil || serr != nil {
			t.Fatal(err, serr)
		}
		t.Setenv("TMPDIR", filepath.Join(dir, "gone")) // nothing is copied
		counts, in := countInputs(t, []string{"-"}, file)
		if want := map[string]int64{"one": 2, "two": 1}; !maps.Equal(counts, want) {
			t.Errorf("removed %v: got %v, want %v", removed, counts, want)
		}
		if rest, err := io.ReadAll(file); len(rest) > 0 || err != nil {
			t.Errorf("removed %v: left to read: %q, %v", removed, rest, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

// /dev/stdin is standard input, whatever it is: a socket cannot be opened by that name.
func TestStandardInputByName(t *testing.T) {
	dir := emptyTempDir(t)
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	stdin, sender := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "sender")
	defer stdin.Close()
	_, err = sender.WriteString("a b a")
	if cerr := sender.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	counts, in := countInputs(t, []string{"/dev/stdin"}, stdin)
	if want := map[string]int64{"a": 2, "b": 1}; !maps.Equal(counts, want) {
		t.Errorf("got %v, want %v", counts, want)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
	_, err = open(t.Context(), []string{"-", "/dev/stdin"}, false, strings.NewReader("x"))
	wantError(t, err, "standard input is given twice, but can be read only once: give - once")
}

// The size of a file of the kernel is not known before it is read.
func TestKernelFile(t *testing.T) {
	const name = "/proc/self/status"
	if _, err := os.Stat(name); err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	counts, in := countInputs(t, []string{name}, nil)
	defer in.Close()
	if counts["name:"] != 1 {
		t.Errorf("%s is not counted: got %v", name, counts)
	}
}

// /dev/stdin means a different file in each process.
func TestDevStdin(t *testing.T) {
	file, err := os.Open(writeFile(t, "words"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "stdin")
	if err := os.Symlink("/dev/stdin", link); err != nil {
		t.Fatal(err)
	}
	path, ok := sharedPath(link, info)
	if ok {
		t.Errorf("%s, which is another file, is read as %q", link, path)
	}
}
