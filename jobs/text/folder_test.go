package text

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeFiles writes files into a new folder, which becomes the current one.
func makeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A folder stands for the regular text files below it, in order.
func TestFolder(t *testing.T) {
	makeFiles(t, map[string]string{"books/b.txt": "b", "books/a/z.txt": "z", "books/a.txt": "a", "books/empty.txt": "",
		"books/.hidden": "h", "books/x.bin": "x\x00", "books/c.gz": string(zipped(t, "c"))})
	for link, target := range map[string]string{"books/link": "a.txt", "books/loop": ".", "books/dangling": "gone"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	in, err := Open(t.Context(), []string{"books"}, true)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range in.sources {
		names = append(names, s.name)
	}
	if want := []string{"books/.hidden", "books/a/z.txt", "books/a.txt", "books/b.txt", "books/c.gz", "books/empty.txt"}; !slices.Equal(names, want) {
		t.Errorf("got files %q, want %q", names, want)
	}
	if notes, want := in.Notes(), []string{"books/x.bin: left out, as it is binary (it has a zero byte at offset 1)"}; !slices.Equal(notes, want) {
		t.Errorf("got notes %q, want %q", notes, want)
	}
	counts := map[string]int64{}
	parts, err := in.Parts(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := (Words{}).Each(t.Context(), p, addTo(counts)); err != nil {
			t.Error(err)
		}
	}
	if want := map[string]int64{"h": 1, "z": 1, "a": 1, "b": 1, "c": 1}; !maps.Equal(counts, want) {
		t.Errorf("got %v, want %v", counts, want)
	}
}

// One error names all files that cannot be read.
func TestUnreadableFiles(t *testing.T) {
	makeFiles(t, map[string]string{"good.txt": "a", "books/good.txt": "b", "books/bad.gz": "c"})
	_, err := Open(t.Context(), []string{"gone.txt", "good.txt", "books", "gone too"}, true)
	wantError(t, err, strings.Join([]string{"read gone.txt: no such file or directory",
		"books/bad.gz: is not gzip data, as its name says: give the file another name",
		"read gone too: no such file or directory"}, "\n"))
}

// Text that comes while a file is read is not lost in silence, and binary input is remarked upon.
func TestNotes(t *testing.T) {
	makeFiles(t, map[string]string{"log.txt": "one two", "x.bin": "ab\x00", "same.txt": "a"})
	in, err := Open(t.Context(), []string{"log.txt", "x.bin", "same.txt"}, false)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile("log.txt", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(" three"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"x.bin: is it text? It has a zero byte at offset 2",
		"log.txt: grew from 7 to 13 bytes while it was read: the result is that of the first 7"}
	if notes := in.Notes(); !slices.Equal(notes, want) {
		t.Errorf("got notes %q, want %q", notes, want)
	}
}
