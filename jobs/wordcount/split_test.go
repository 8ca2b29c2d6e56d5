package wordcount

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSplitFiles(t *testing.T) {
	book, empty := writeFile(t, "aa bb cc dd ee"), writeFile(t, "")
	splits, err := splitFiles([]source{{"book.txt", book, 0}, {"empty.txt", empty, 0}, {"again.txt", book, 3}}, 8)
	if err != nil {
		t.Fatal(err)
	}
	want := []split{
		{Name: "book.txt", File: book, Offset: 0, Length: 9},
		{Name: "book.txt", File: book, Offset: 9, Length: 5},
		{Name: "again.txt", File: book, Offset: 3, Length: 6},
		{Name: "again.txt", File: book, Offset: 9, Length: 5},
	}
	if len(splits) != len(want) {
		t.Fatalf("got %+v, want %+v", splits, want)
	}
	for i := range want {
		got := splits[i]
		got.Version, got.Head = version{}, 0
		if got != want[i] {
			t.Errorf("split %d: got %+v, want %+v", i, got, want[i])
		}
	}
}

func TestSplitErrors(t *testing.T) {
	_, err := splitFiles(nil, 0)
	wantError(t, err, "wordcount: split size 0: it must be at least 1 byte")

	_, err = splitFiles([]source{{"book.txt", filepath.Join(t.TempDir(), "gone"), 0}}, 1)
	wantError(t, err, "wordcount: read book.txt: no such file or directory")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}

	path := writeFile(t, "secret")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 { // root can read it all the same
		_, err = splitFiles([]source{{"book.txt", path, 0}}, 1)
		wantError(t, err, "wordcount: read book.txt: permission denied")
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
	splits, err := cutText(r, source{name: "text"}, int64(len(text)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if len(splits) != 11 || r.n > 10*cutBlock {
		t.Errorf("got %d splits after reading %d bytes, want 11 after at most %d", len(splits), r.n, 10*cutBlock)
	}
	for _, s := range splits {
		if s.Length < 1<<20-16 || s.Length > 1<<20+16 {
			t.Errorf("split %+v is not about 1 MiB long", s)
		}
	}
}
