package text

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readLines returns the lines of a text that is cut into parts of about size bytes and read in blocks
// of about block bytes.
func readLines(t interface{ Fatal(...any) }, path string, size int64, block int) (lines []string) {
	files, err := Open(context.Background(), []string{path}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	parts, err := files.Lines(size)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := p.each(context.Background(), block, func(line []byte) error {
			lines = append(lines, string(line))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// Any text has the same lines, however it is cut.
func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "bb b", "\r", "ccc", strings.Repeat("d", 30)}), 0, 30).Draw(t, "lines")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		in, want := "", []string(nil)
		for _, line := range whole {
			in += line + end
			want = append(want, strings.TrimSuffix(line+end[:len(end)-1], "\r"))
		}
		if rapid.Bool().Draw(t, "open end") {
			in += "last"
			want = append(want, "last")
		}
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		size := rapid.Int64Range(1, 100).Draw(t, "size")
		if got := readLines(t, path, size, rapid.IntRange(1, 50).Draw(t, "block")); !slices.Equal(got, want) {
			t.Fatalf("%q in parts of %d bytes: got %q, want %q", in, size, got, want)
		}
	})
}

// A line may be longer than what is read at once to find its end.
func TestLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	want := []string{strings.Repeat("x", 3*cutBlock), "", strings.Repeat("y", 2*blockSize), "z"}
	if err := os.WriteFile(path, []byte(strings.Join(want, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readLines(t, path, 1000, blockSize); !slices.Equal(got, want) {
		t.Errorf("got %d lines, want %d", len(got), len(want))
	}
}

// An error has the name of the file and the number of the line.
func TestLineErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("good\n", 100)+"bad\ngood\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Open(t.Context(), []string{path}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	parts, err := files.Lines(50)
	if err != nil || len(parts) < 5 {
		t.Fatalf("got %d parts, %v", len(parts), err)
	}
	bad := errors.New("bad")
	var got error
	for _, p := range parts {
		got = errors.Join(got, p.Each(t.Context(), func(line []byte) error {
			if string(line) == "bad" {
				return bad
			}
			return nil
		}))
	}
	if want := path + ": line 101: bad"; got == nil || got.Error() != want || !errors.Is(got, bad) {
		t.Errorf("got %v, want %s", got, want)
	}
	if _, err := files.Lines(-1); err == nil {
		t.Error("parts of -1 byte")
	}
}

func ExampleLines() {
	path := filepath.Join(os.TempDir(), "example.log")
	if err := os.WriteFile(path, []byte("one\ntwo\n"), 0o600); err != nil {
		panic(err)
	}
	defer os.Remove(path)

	ctx := context.Background()
	files, err := Open(ctx, []string{path}, false)
	if err != nil {
		panic(err)
	}
	defer files.Close()
	parts, err := files.Lines(0)
	if err != nil {
		panic(err)
	}
	for _, part := range parts { // each of them is work for a task
		err := part.Each(ctx, func(line []byte) error {
			fmt.Printf("%s\n", line)
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	// Output:
	// one
	// two
}
