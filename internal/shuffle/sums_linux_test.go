package shuffle

import (
	"maps"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A key may end where readable memory ends.
func TestKeysAtEndOfMemory(t *testing.T) {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	if err := unix.Mprotect(memory[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	const text = "the last words of a page"
	end := memory[:page]
	copy(end[page-len(text):], text)
	b := new(Buffer)
	w := NewWriter(b, 0, 0)
	s := NewSums(Seed{1, 2}, Sum, w)
	want := make(map[string]uint64)
	for n := range 20 {
		s.Add(borrow(end[page-n:]), 1)
		want[text[len(text)-n:]]++
	}
	s.Flush()
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]uint64)
	if err := Each(b.Bytes, func(key []byte, v uint64, _ []byte) { got[string(key)] += v }); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, got %v, want %v", err, got, want)
	}
}
