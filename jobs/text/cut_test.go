package text

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cutFiles cuts the files of the sources.
func cutFiles(sources []source, size int64) ([]Part, error) {
	for i, s := range sources {
		if info, err := os.Stat(s.path); err == nil {
			sources[i].size = info.Size()
		}
	}
	return (&Files{sources: sources}).Parts(size)
}

func TestParts(t *testing.T) {
	book, empty := writeFile(t, "aa bb cc dd ee"), writeFile(t, "")
	parts, err := cutFiles([]source{{name: "book.txt", path: book}, {name: "empty.txt", path: empty}, {name: "again.txt", path: book, start: 3}}, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := []Part{
		{Name: "book.txt", File: book, Offset: 0, Length: 9},
		{Name: "book.txt", File: book, Offset: 9, Length: 5},
		{Name: "again.txt", File: book, Offset: 3, Length: 6},
		{Name: "again.txt", File: book, Offset: 9, Length: 5},
	}
	if len(parts) != len(want) {
		t.Fatalf("got %+v, want %+v", parts, want)
	}
	for i := range want {
		got := parts[i]
		got.Version, got.Head = version{}, 0
		if got != want[i] {
			t.Errorf("part %d: got %+v, want %+v", i, got, want[i])
		}
	}
}

func TestPartsErrors(t *testing.T) {
	_, err := cutFiles(nil, -1)
	wantError(t, err, "parts of -1 bytes: it must be at least 1 byte, or 0")

	_, err = cutFiles([]source{{name: "book.txt", path: filepath.Join(t.TempDir(), "gone")}}, 1)
	wantError(t, err, "read book.txt: no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}

	path := writeFile(t, "secret")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // root can read it all the same
		_, err = cutFiles([]source{{name: "book.txt", path: path}}, 1)
		wantError(t, err, "read book.txt: permission denied")
	}

	boom := errors.New("boom")
	_, err = cutText(failingReaderAt{boom}, source{name: "book.txt"}, 100, 10)
	wantError(t, err, "read book.txt: boom")
}

// countingReaderAt adds up how many bytes are read.
type countingReaderAt struct {
	*strings.Reader
	n int
}

func (r *countingReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.Reader.ReadAt(p, offset)
	r.n += n
	return n, err
}

func TestCutReadsLittle(t *testing.T) {
	text := strings.Repeat("some words ", 1<<20)
	r := &countingReaderAt{Reader: strings.NewReader(text)}
	parts, err := cutText(r, source{name: "text"}, int64(len(text)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 11 || r.n > 10*cutBlock {
		t.Errorf("got %d parts after reading %d bytes, want 11 after at most %d", len(parts), r.n, 10*cutBlock)
	}
	for _, s := range parts {
		if s.Length < 1<<20-16 || s.Length > 1<<20+16 {
			t.Errorf("part %+v is not about 1 MiB long", s)
		}
	}
}
