package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestOutFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "digits.txt")
	for _, numbers := range [][]int64{{720}, {1, 1, 2}, {}} { // each replaces the one before
		f, err := Create(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, n := range numbers {
			if err := f.WriteLine(strconv.AppendInt(nil, n, 10)); err != nil {
				t.Fatal(err)
			}
			want += strconv.FormatInt(n, 10) + "\n"
		}
		if err := errors.Join(f.Commit(), f.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	wantNames(t, dir, "digits.txt")
}

func TestOutFileDiscarded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "digits.txt")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.WriteLine([]byte("12")), f.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "old" || err != nil {
		t.Errorf("got %q, %v, want the old text", got, err)
	}
	wantNames(t, dir, "digits.txt")
}

// A file keeps its permissions; a new one gets those of any new file.
func TestOutFileMode(t *testing.T) {
	dir := t.TempDir()
	like, err := os.Create(filepath.Join(dir, "like"))
	if err != nil {
		t.Fatal(err)
	}
	defer like.Close()
	info, err := like.Stat()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "digits.txt")
	for _, want := range []os.FileMode{info.Mode(), 0o600, 0o640} {
		if _, err := os.Stat(path); err == nil {
			if err := os.Chmod(path, want); err != nil {
				t.Fatal(err)
			}
		}
		f, err := Create(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("got %v, %v, want %v", info.Mode(), err, want)
		}
	}
}

func TestOutFileErrors(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone", "digits.txt")
	_, err := Create(t.Context(), gone)
	if want := "write --out " + gone + ": no such file or directory"; err == nil || err.Error() != want || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = Create(t.Context(), dir)
	if want := "write --out " + dir + ": is a directory: give the name of a file"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// The directory disappears while the job runs.
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := Create(t.Context(), filepath.Join(folder, "digits.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil || err.Error() != "write --out "+f.path+": no such file or directory" {
		t.Errorf("got %v, want the cause alone", err)
	}
	wantNames(t, dir)
}

// Without --out there is no file, and nothing to do.
func TestNoOutFile(t *testing.T) {
	var f *File
	if err := errors.Join(f.WriteLine(nil), f.Commit(), f.Close()); err != nil {
		t.Error(err)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("got files %v, want %q", entries, want)
	}
	for i := range min(len(entries), len(want)) {
		if entries[i].Name() != want[i] {
			t.Errorf("got file %s, want %s", entries[i].Name(), want[i])
		}
	}
}
