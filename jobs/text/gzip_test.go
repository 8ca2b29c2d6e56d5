package text

import (
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func zipped(t *testing.T, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// Compressed text is counted as the text is, of one member or several, by whatever name it comes.
func TestGzip(t *testing.T) {
	want := map[string]int64{"one": 200_000, "two": 200_001}
	data := string(zipped(t, strings.Repeat("One two ", 200_000), "two"))
	path := filepath.Join(t.TempDir(), "book.gz")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, writeFile(t, data), "-"} {
		counts, in := countInputs(t, []string{name}, strings.NewReader(data))
		if !maps.Equal(counts, want) {
			t.Errorf("%s: got %v, want %v", name, counts, want)
		}
		if notes := in.Notes(); len(notes) > 0 {
			t.Errorf("%s: got the notes %q", name, notes)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestGzipErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	data := zipped(t, strings.Repeat("some words ", 1000))
	damaged := bytes.Clone(data)
	damaged[len(damaged)-6] ^= 1 // in the checksum
	for name, tt := range map[string]struct {
		data []byte
		want []string
	}{
		"cut.gz":      {data[:len(data)/2], []string{"cut.gz: the gzip data ends too early: is the file complete?"}},
		"header.gz":   {data[:5], []string{"header.gz: the gzip data ends too early: is the file complete?"}},
		"damaged.gz":  {damaged, []string{"damaged.gz: the gzip data is damaged: gzip: invalid checksum"}},
		"followed.gz": {append(bytes.Clone(data), "and more, much more"...), []string{"followed.gz: what follows the gzip data is not gzip data: is the file damaged?"}},
		"plain.gz":    {[]byte("text"), []string{"plain.gz: is not gzip data, as its name says: give the file another name"}},
		"empty.gz":    {nil, []string{"empty.gz: is not gzip data, as its name says: give the file another name"}},
	} {
		if err := os.WriteFile(name, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := Open(t.Context(), []string{name}, false)
		if err == nil {
			var parts []Part
			if parts, err = in.Parts(0); err != nil || len(parts) != 1 {
				t.Fatalf("%s: got parts %v, %v", name, parts, err)
			}
			err = Words{}.Each(t.Context(), parts[0], func([]byte) {})
		}
		wantError(t, err, tt.want...)
	}
}
