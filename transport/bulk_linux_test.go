package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"mrrun/internal/shm/blocks"
)

// sharedPair returns the ends of a stream that allow bodies in shared memory. The same test reads
// what it writes, so the stream must hold all of it.
func sharedPair(t *testing.T) (*Writer, *Reader, *bytes.Buffer) {
	var stream bytes.Buffer
	w, r := NewWriter(&stream), NewReader(&stream, 0)
	closeWriter, closeReader := w.UseShared(time.Minute), r.UseShared(time.Minute)
	t.Cleanup(func() {
		closeWriter()
		closeReader()
		if left := mappedBlocks(t); left != 0 {
			t.Errorf("%d mappings of blocks are left", left)
		}
	})
	return w, r, &stream
}

func mappedBlocks(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), "mrrun message")
}

// seeded returns n bytes that depend on their places and on seed.
func seeded(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + seed)
	}
	return b
}

func TestLargeBodiesGoThroughSharedMemory(t *testing.T) {
	w, r, stream := sharedPair(t)
	for i, n := range []int{0, 1, bulkSize - 1, bulkSize, bulkSize + 1, 1 << 20, 3<<20 + 5, 100, 1 << 20} {
		for _, step := range []int{1 << 30, 1000, bulkSize} { // all at once, in small parts, in large parts
			want := seeded(n, i)
			write := func(e *Encoder) error {
				for rest := want; len(rest) > 0; rest = rest[min(step, len(rest)):] {
					_, _ = e.Write(rest[:min(step, len(rest))])
				}
				return nil
			}
			for _, add := range []func() error{
				func() error { _, err := w.Add(5, uint32(i), write); return err },
				func() error {
					body := w.NewBody()
					_ = write(body)
					_, err := w.AddBody(5, uint32(i), body)
					body.Trim()
					return err
				},
			} {
				if err := errors.Join(add(), w.Flush()); err != nil {
					t.Fatal(err)
				}
				if n >= bulkSize && stream.Len() > 100 {
					t.Errorf("%d bytes in the stream for a body of %d", stream.Len(), n)
				}
				f, err := r.Next()
				if err != nil || f.Kind != 5 || f.Tag != uint32(i) || !bytes.Equal(f.Body, want) {
					t.Fatalf("%d bytes in steps of %d: kind %d, tag %d, %d bytes, %v", n, step, f.Kind, f.Tag, len(f.Body), err)
				}
			}
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// A kept body stays as it is while others arrive; one that is let go makes room for the next.
func TestKeptBody(t *testing.T) {
	w, r, _ := sharedPair(t)
	send := func(seed int) {
		_, _ = w.Add(5, 0, func(e *Encoder) error { _, err := e.Write(seeded(bulkSize, seed)); return err })
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	send(1)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	kept := f.Body
	release := r.Keep()
	if release == nil || r.Keep() != nil {
		t.Fatal("the body is not kept once")
	}
	before := 0
	for seed := range 20 {
		send(seed)
		if f, err := r.Next(); err != nil || !bytes.Equal(f.Body, seeded(bulkSize, seed)) {
			t.Fatalf("body %d: %v", seed, err)
		}
		if now := mappedBlocks(t); seed == 2 {
			before = now
		} else if seed > 2 && now != before {
			t.Fatalf("%d mappings after %d bodies, %d before: blocks are not used again", now, seed, before)
		}
	}
	if !bytes.Equal(kept, seeded(bulkSize, 1)) {
		t.Error("the body that is kept has changed")
	}
	release()
}

func TestSharedBodyRefused(t *testing.T) {
	w, r, stream := sharedPair(t)
	if _, err := w.Add(5, 0, func(e *Encoder) error { _, err := e.Write(seeded(bulkSize, 0)); return err }); err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	frame := bytes.Clone(stream.Bytes())
	stream.Reset()
	if _, err := NewReader(bytes.NewReader(frame), 0).Next(); !errors.Is(err, ErrFormat) {
		t.Errorf("a reader that was not told to share: %v", err)
	}
	for i := range blocks.PieceSize {
		broken := bytes.Clone(frame)
		broken[headerSize+i] ^= 0x55
		stream.Reset()
		stream.Write(broken)
		if f, err := r.Next(); err == nil && len(f.Body) > 2*bulkSize { // more than the block has
			t.Errorf("byte %d of the place changed: %d bytes were taken", i, len(f.Body))
		}
	}
	short := appendHeader(nil, 5|bulkBit, 0, 3)
	if _, err := NewReader(bytes.NewReader(append(short, 1, 2, 3)), 0).Next(); !errors.Is(err, ErrFormat) {
		t.Errorf("a place of 3 bytes: %v", err)
	}
}

// What encode has written when it fails is not in the next body.
func TestLargeBodyThatFails(t *testing.T) {
	w, r, _ := sharedPair(t)
	sorry := errors.New("sorry")
	for range 3 {
		if _, err := w.Add(5, 0, func(e *Encoder) error { _, _ = e.Write(seeded(1<<20, 0)); return sorry }); err != sorry {
			t.Fatal(err)
		}
		if _, err := w.Add(5, 0, func(e *Encoder) error { e.String("next"); return nil }); err != nil || w.Flush() != nil {
			t.Fatal(err)
		}
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if s, err := NewDecoder(f.Body).String(); s != "next" || err != nil {
			t.Errorf("got %q, %v", s, err)
		}
	}
}

func TestSharedBodyOverTheLimit(t *testing.T) {
	w, _, stream := sharedPair(t)
	if _, err := w.Add(5, 0, func(e *Encoder) error { _, err := e.Write(seeded(200_000, 0)); return err }); err != nil || w.Flush() != nil {
		t.Fatal(err)
	}
	r := NewReader(stream, 100_000)
	defer r.UseShared(time.Minute)()
	if _, err := r.Next(); !errors.As(err, new(*SizeError)) {
		t.Errorf("a body of 200,000 bytes, of 100,000 that are allowed: %v", err)
	}
}

// What a reader has let go of is used for the next body, before the reader asks for that one.
func TestLetGo(t *testing.T) {
	for _, letGo := range []bool{true, false} {
		t.Run(fmt.Sprint(letGo), func(t *testing.T) {
			w, r, _ := sharedPair(t)
			var mapped []int
			for i := range 4 {
				_, err := w.Add(5, uint32(i), func(e *Encoder) error {
					_, err := e.Write(seeded(1<<20, i))
					return err
				})
				if err := errors.Join(err, w.Flush()); err != nil {
					t.Fatal(err)
				}
				mapped = append(mapped, mappedBlocks(t))
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
				if letGo {
					r.LetGo()
					r.LetGo()
				}
			}
			if more := mapped[3] - mapped[0]; letGo != (more == 1) { // the reader's mapping of the one block
				t.Error(mapped)
			}
		})
	}
}
