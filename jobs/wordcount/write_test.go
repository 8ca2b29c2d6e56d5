package wordcount

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mrrun/internal/outfile"
)

func TestWriteCounts(t *testing.T) {
	var out strings.Builder
	if err := writeCounts(&out, []frequency{{"the", 12}, {"a\xff", 3}}); err != nil {
		t.Fatal(err)
	}
	if want := "12 the\n3 a\xff\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	for _, word := range []string{"the", strings.Repeat("x", 10_000)} {
		err := writeCounts(fullDisk{}, []frequency{{word, 12}})
		if err == nil || err.Error() != "wordcount: write the counts: disk full" || errors.Unwrap(err) == nil {
			t.Errorf("got %v, want that the disk is full", err)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteFile(t *testing.T) {
	counts := []frequency{{`a"b,`, 2}, {"é\xff", 1 << 60}, {`\x`, 1}}
	each := func(yield func(string, int64) bool) {
		for _, c := range counts {
			if !yield(c.Word, c.N) {
				return
			}
		}
	}
	noError := func() error { return nil }
	for name, want := range map[string]string{
		"out.txt":    "2 a\"b,\n1152921504606846976 é\xff\n1 \\x\n",
		"out":        "2 a\"b,\n1152921504606846976 é\xff\n1 \\x\n",
		"out.CSV":    "word,count\n\"a\"\"b,\",2\né\xff,1152921504606846976\n\\x,1\n",
		"out.jsonl":  `{"word":"a\"b,","count":2}` + "\n" + `{"word":"é\\xff","count":"1152921504606846976"}` + "\n" + `{"word":"\\x5cx","count":1}` + "\n",
		"out.ndjson": `{"word":"a\"b,","count":2}` + "\n" + `{"word":"é\\xff","count":"1152921504606846976"}` + "\n" + `{"word":"\\x5cx","count":1}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		file, err := outfile.Create(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(writeFile(file, path, each, noError), file.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); string(got) != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
}
