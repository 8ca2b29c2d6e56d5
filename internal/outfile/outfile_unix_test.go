//go:build unix

package outfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Only the content of a file changes: its other links still lead to it, and it keeps its owner.
func TestOutFileOverwrites(t *testing.T) {
	for _, kind := range []string{"file", "link", "dangling link", "hard link"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			file, out := filepath.Join(dir, "file"), filepath.Join(dir, "out")
			var err error
			if kind != "dangling link" {
				err = os.WriteFile(file, []byte("what was there before, and is longer"), 0o640)
			}
			switch kind {
			case "file":
				out = file
			case "link", "dangling link":
				err = errors.Join(err, os.Symlink("file", out))
			case "hard link":
				err = errors.Join(err, os.Link(file, out))
			}
			if os.Geteuid() == 0 && kind == "file" {
				err = errors.Join(err, os.Chown(file, 12345, 12345))
			}
			if err != nil {
				t.Fatal(err)
			}
			before, _ := os.Stat(file)
			commitText(t, out, "720")
			wantContent(t, file, "720\n")
			wantContent(t, out, "720\n")
			after, err := os.Stat(file)
			if before != nil && (!os.SameFile(before, after) || before.Mode() != after.Mode()) {
				t.Errorf("got another file than before: %v, %v", after, err)
			}
			if was, ok := statOf(before); ok {
				if is, _ := statOf(after); is.Uid != was.Uid || is.Gid != was.Gid {
					t.Errorf("the owner was %d:%d and is %d:%d", was.Uid, was.Gid, is.Uid, is.Gid)
				}
			}
		})
	}
}

func statOf(info os.FileInfo) (*syscall.Stat_t, bool) {
	if info == nil {
		return nil, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return stat, ok
}

// The directory of a file need not accept another one.
func TestOutFileInClosedFolder(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skipf("no /proc here: %v", err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "gone"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		t.Fatal(err)
	}
	commitText(t, fmt.Sprintf("/proc/self/fd/%d", file.Fd()), "24") // /proc accepts no file, even from root
	got := make([]byte, 10)
	if n, _ := file.ReadAt(got, 0); string(got[:n]) != "24\n" {
		t.Errorf("got %q, want 24", got[:n])
	}
}

// Where no complete file can be given a name, it is created and then written, even if another
// process created it meanwhile.
func TestOutFileMadeMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(path, []byte("of another program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteLine([]byte("6")), f.Commit()); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "6\n")
}

func commitText(t *testing.T, path, digits string) {
	t.Helper()
	f, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(f.WriteLine([]byte(digits)), f.Commit()); err != nil {
		t.Fatal(err)
	}
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); string(got) != want || err != nil {
		t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
	}
}
