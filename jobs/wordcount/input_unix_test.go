//go:build unix

package wordcount

import (
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
	if err := in.close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
}

// The workers are other processes, which open the copy by its path.
func TestOtherProcessReadsCopy(t *testing.T) {
	emptyTempDir(t)
	in, err := openInputs(t.Context(), []string{"-"}, strings.NewReader("one two"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	out, err := exec.CommandContext(t.Context(), "cat", in.sources[0].path).Output()
	if err != nil || string(out) != "one two" {
		t.Errorf("cat of the copy gives %q, error %v", out, err)
	}
}

// The size of a file of the kernel is not known before it is read.
func TestKernelFile(t *testing.T) {
	const name = "/proc/self/status"
	if _, err := os.Stat(name); err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	counts, in := countInputs(t, []string{name}, nil)
	defer in.close()
	if counts["name:"] != 1 {
		t.Errorf("%s is not counted: got %v", name, counts)
	}
}

// /dev/stdin means another file in each process.
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
