package text

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A change of a file between its cut and its reading is an error, unless all parts are there
// unchanged.
func TestFileChangesAfterCut(t *testing.T) {
	const text = "one two three four"
	write := func(text string) func(t *testing.T, path string) error {
		return func(_ *testing.T, path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	rename := func(text string) func(t *testing.T, path string) error {
		return func(t *testing.T, path string) error { return os.Rename(writeFile(t, text), path) }
	}
	tests := map[string]struct {
		change  func(t *testing.T, path string) error
		message string // empty: the file is counted
	}{
		"nothing":              {func(*testing.T, string) error { return nil }, ""},
		"grown":                {write(text + " five"), ""},
		"renamed":              {func(_ *testing.T, path string) error { return os.Rename(path, path+"2") }, "read book.txt: no such file or directory"},
		"replaced by its like": {rename(text), "book.txt: was replaced while it was read: run it again"},
		"replaced by longer":   {rename(text + " five"), "book.txt: was replaced while it was read: run it again"},
		"same size":            {write(strings.ToUpper(text)), "book.txt: was changed while it was read: run it again"},
		"longer":               {write("1 2 3 4 " + text), "book.txt: was changed while it was read: run it again"},
		"shorter":              {write("one two"), "book.txt: was changed while it was read: run it again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "book.txt")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			lastYear := time.Now().AddDate(-1, 0, 0) // clocks of file systems are coarse
			if err := os.Chtimes(path, lastYear, lastYear); err != nil {
				t.Fatal(err)
			}
			parts, err := cutFiles([]source{{name: "book.txt", path: path}}, 5)
			if err != nil || len(parts) < 3 {
				t.Fatalf("got parts %+v, %v", parts, err)
			}
			if err := tt.change(t, path); err != nil {
				t.Fatal(err)
			}
			counts := map[string]int64{}
			for _, p := range parts {
				err := Words{}.Each(t.Context(), p, addTo(counts))
				if tt.message != "" {
					wantError(t, err, tt.message)
				} else if err != nil {
					t.Error(err)
				}
			}
			if want := (map[string]int64{"one": 1, "two": 1, "three": 1, "four": 1}); tt.message == "" && !maps.Equal(counts, want) {
				t.Errorf("got %v, want %v", counts, want)
			}
		})
	}
}

// A change while a part is read is detected after its last byte.
func TestFileChangesWhileRead(t *testing.T) {
	path := writeFile(t, "one two")
	lastYear := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(path, lastYear, lastYear); err != nil {
		t.Fatal(err)
	}
	parts, err := cutFiles([]source{{name: "book.txt", path: path}}, 100)
	if err != nil {
		t.Fatal(err)
	}
	err = Words{}.Each(t.Context(), parts[0], func([]byte) {
		if err := os.WriteFile(path, []byte("two one"), 0o600); err != nil {
			t.Error(err)
		}
	})
	wantError(t, err, "book.txt: was changed while it was read: run it again")
}
