package text

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// countInputs counts args, from the names of the inputs to the words.
func countInputs(t *testing.T, args []string, stdin io.Reader) (counts map[string]int64, in *Files) {
	t.Helper()
	in, err := open(t.Context(), args, false, stdin)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := in.Parts(4)
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]int64{}
	for _, p := range parts {
		if err := (Words{}).Each(t.Context(), p, addTo(counts)); err != nil {
			t.Fatal(err)
		}
	}
	return counts, in
}

// emptyTempDir makes an empty directory the place of temporary files.
func emptyTempDir(t *testing.T) (dir string) {
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the folder of temporary files: %v, error %v", left, err)
	}
}

func TestStandardInput(t *testing.T) {
	dir := emptyTempDir(t)
	file := writeFile(t, "Two three three")
	counts, in := countInputs(t, []string{"-", file}, strings.NewReader("one two\nthree"))
	if want := map[string]int64{"one": 1, "two": 2, "three": 3}; !maps.Equal(counts, want) {
		t.Errorf("got %v, want %v", counts, want)
	}
	if in.sources[0].name != "standard input" {
		t.Errorf("standard input is called %q", in.sources[0].name)
	}
	if strings.HasPrefix(in.sources[0].path, "/proc/") {
		wantEmpty(t, dir) // even though it is still in use
	}
	copied := in.sources[0].path
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, dir)
	if _, err := os.Stat(copied); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the copy is still there: %v", err)
	}
}

func TestInputErrors(t *testing.T) {
	dir := emptyTempDir(t)
	openError := func(args ...string) error {
		_, err := open(t.Context(), args, false, iotest.ErrReader(errors.New("boom")))
		return err
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("books", 0o700); err != nil {
		t.Fatal(err)
	}
	err := openError("gone.txt")
	wantError(t, err, "read gone.txt: no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	wantError(t, openError("books"), "read books: is a directory: give the files in it instead, or --recursive")
	wantError(t, openError("-"), "read standard input: boom")

	_, err = open(t.Context(), []string{"-", "-"}, false, strings.NewReader("x"))
	wantError(t, err, "standard input is given twice, but can be read only once: give - once")

	err = copyFrom(fullDisk{}, "pipe", func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("x")), nil
	})
	wantError(t, err, "copy pipe to a temporary file: disk full (set TMPDIR to a directory with more room)")
	wantEmpty(t, dir)

	t.Setenv("TMPDIR", filepath.Join(dir, "gone"))
	wantError(t, openError("-"), "copy standard input: open ", "(set TMPDIR to a writable directory)")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// A cancelled run does not wait for a terminal at which no one types.
func TestCancelWhileReadingInput(t *testing.T) {
	dir := emptyTempDir(t)
	stdin, typed := io.Pipe()
	defer typed.Close()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		io.WriteString(typed, "some ") // returns when it has been read
		cancel(stop)
	}()
	_, err := open(ctx, []string{"-"}, false, stdin)
	if !errors.Is(err, stop) {
		t.Errorf("got error %v, want the cause of the cancellation", err)
	}
	wantEmpty(t, dir)
}

func TestRelativePathAndLink(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("book.txt", []byte("A a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("book.txt", "link.txt"); err != nil {
		t.Fatal(err)
	}
	counts, in := countInputs(t, []string{"book.txt", "link.txt"}, nil)
	if want := map[string]int64{"a": 4}; !maps.Equal(counts, want) {
		t.Errorf("got %v, want %v", counts, want)
	}
	for _, s := range in.sources {
		if !filepath.IsAbs(s.path) || filepath.IsAbs(s.name) {
			t.Errorf("source %+v: want the name as given and an absolute path", s)
		}
	}
}
