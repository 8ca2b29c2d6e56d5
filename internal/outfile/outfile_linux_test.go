package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The old content stays if there is no room for the new one.
func TestOutFileWithoutRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const tooLarge = 1 << 62
	if err := replaceContent(file, failingReader{}, tooLarge); err == nil || errors.Is(err, errRead) {
		t.Errorf("got %v, want that there is no room", err)
	}
	wantContent(t, path, "old")
}

var errRead = errors.New("read")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errRead }
