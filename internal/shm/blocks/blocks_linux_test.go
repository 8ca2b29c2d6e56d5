package blocks_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mrrun/internal/shm"
	"mrrun/internal/shm/blocks"
)

// mappings counts the lines of this process's maps that contain text.
func mappings(tb testing.TB, text string) int {
	tb.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Count(string(maps), text)
}

func descriptors(tb testing.TB, text string) (n int) {
	tb.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range all {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.Contains(to, text) {
			n++
		}
	}
	return n
}

// part returns another part of the block of a piece.
func part(p blocks.Piece, offset, length int) blocks.Piece {
	return blocks.Piece{Place: p.Place, Offset: offset, Length: length}
}

func mustGet(tb testing.TB, p *blocks.Pool, n int) *blocks.Block {
	tb.Helper()
	b, err := p.Get(n)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestPool(t *testing.T) {
	p := blocks.NewPool(300<<10, time.Minute)
	for _, c := range []struct{ n, size int }{{0, 64 << 10}, {1, 64 << 10}, {64<<10 - 64, 64 << 10}, {64<<10 - 63, 128 << 10}} {
		b := mustGet(t, p, c.n)
		if len(b.Bytes()) != c.size-64 {
			t.Errorf("Get(%d) has %d bytes, want %d", c.n, len(b.Bytes()), c.size-64)
		}
		p.Put(b)
	}
	b := mustGet(t, p, 100_000)
	b.Bytes()[7] = 7
	p.Put(b)
	if again := mustGet(t, p, 128<<10-64); again != b || again.Bytes()[7] != 7 {
		t.Error("a block is not used again")
	}
	p.Put(b)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic when a block is put back twice")
			}
		}()
		p.Put(b)
	}()
	p.Put(mustGet(t, p, 200<<10)) // too much, together with the others
	if n := mappings(t, "mrrun message"); n != 1 {
		t.Errorf("%d blocks are kept, want the last", n)
	}
	p.Put(mustGet(t, p, 1<<20)) // larger than the pool ever keeps
	b = mustGet(t, p, 1)
	p.Close()
	if n := mappings(t, "mrrun message"); n != 1 {
		t.Errorf("%d blocks are mapped after Close, want the one in use", n)
	}
	p.Put(b)
	if n, d := mappings(t, "mrrun message"), descriptors(t, "mrrun message"); n != 0 || d != 0 {
		t.Errorf("%d blocks and %d descriptors are left", n, d)
	}
	for _, n := range []int{-1, math.MaxInt} {
		if _, err := p.Get(n); err == nil {
			t.Errorf("Get(%d) returned no error", n)
		}
	}
}

func TestViews(t *testing.T) {
	p := blocks.NewPool(1<<20, time.Minute)
	defer p.Close()
	v := blocks.NewViews(128<<10, time.Minute)
	b := mustGet(t, p, 1000)
	copy(b.Bytes()[10:], "hello")
	piece, err := blocks.ParsePiece(part(p.Send(b, 1000), 10, 5).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := v.View(piece); err != nil || string(got) != "hello" || cap(got) != 5 {
			t.Fatalf("View = %q, %v", got, err)
		}
	}
	for range 3 {
		v.Release(piece)
	}
	for _, bad := range []blocks.Piece{
		part(piece, -1, 2), part(piece, 0, 1<<20), part(piece, 64<<10-64, 1), part(piece, 1, -1), part(piece, math.MaxInt, math.MaxInt),
	} {
		if _, err := v.View(bad); err == nil || !strings.Contains(err.Error(), "are outside of its 65472") {
			t.Errorf("View of %d+%d: %v", bad.Offset, bad.Length, err)
		}
	}
	if n := mappings(t, "mrrun message"); n != 2 {
		t.Errorf("%d mappings of one block here and one there", n)
	}
	if again := mustGet(t, p, 1000); again != b {
		t.Error("a block that was released is not used again")
	}
	p.Put(b)
	other := p.Send(mustGet(t, p, 100<<10), 1)
	another := mustGet(t, p, 100<<10) // not the one that was sent
	another.Bytes()[0] = 9
	if mem, err := v.View(other); err != nil || mem[0] == 9 {
		t.Errorf("a block that was not released is used again: %v, %v", mem, err)
	}
	p.Put(another)
	v.Release(other) // the first is now too much
	if n := mappings(t, "mrrun message"); n != 4 {
		t.Errorf("%d mappings, want three and the last one that was viewed", n)
	}
	p.Close()
	if _, err := v.View(piece); err == nil {
		t.Error("View of a block that is gone returned no error")
	}
	v.Forget(os.Getpid())
	v.Close()
	if n := mappings(t, "mrrun message"); n != 0 {
		t.Errorf("%d mappings are left", n)
	}
}

// A file that can be truncated is not mapped: touching it could crash the process.
func TestViewOfAnyFile(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	dev, inode := identity(info)
	piece := blocks.Piece{Place: shm.Place{PID: os.Getpid(), FD: int(file.Fd()), Dev: dev, Inode: inode}}
	if _, err := blocks.NewViews(0, time.Minute).View(piece); err == nil || !strings.Contains(err.Error(), "not a region") {
		t.Errorf("View = %v", err)
	}
}

func FuzzParsePiece(f *testing.F) {
	p := blocks.NewPool(1<<20, time.Minute)
	f.Cleanup(p.Close)
	b := mustGet(f, p, 1)
	sent := p.Send(b, 1)
	f.Add(part(sent, 3, 4).Append(nil))
	f.Add(part(sent, math.MaxInt, -1).Append(nil))
	f.Add(make([]byte, blocks.PieceSize))
	v := blocks.NewViews(0, time.Minute)
	f.Fuzz(func(t *testing.T, raw []byte) {
		piece, err := blocks.ParsePiece(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(piece.Append(nil), raw) {
			t.Errorf("%x was read as %+v", raw, piece)
		}
		if mem, err := v.View(piece); err == nil {
			for range mem { // without touching any outside
			}
			_ = append([]byte(nil), mem...)
			v.Release(piece)
		}
	})
}

// BenchmarkPool writes a message into a block and reads it from its view.
func BenchmarkPool(b *testing.B) {
	const size = 100 << 20
	payload := bytes.Repeat([]byte{7}, size)
	send := func(b *testing.B, keep int) {
		p, v := blocks.NewPool(keep, time.Minute), blocks.NewViews(keep, time.Minute)
		defer p.Close()
		defer v.Close()
		b.SetBytes(size)
		once := func() {
			block := mustGet(b, p, size)
			copy(block.Bytes(), payload)
			piece := p.Send(block, size)
			if _, err := v.View(piece); err != nil {
				b.Fatal(err)
			}
			v.Release(piece)
		}
		once()
		for b.Loop() {
			once()
		}
	}
	b.Run("warm", func(b *testing.B) { send(b, 1<<30) })
	b.Run("cold", func(b *testing.B) { send(b, 0) })
	b.Run("heap", func(b *testing.B) {
		to := bytes.Clone(payload)
		b.SetBytes(size)
		for b.Loop() {
			copy(to, payload)
		}
	})
}

func identity(info os.FileInfo) (dev, inode uint64) {
	st := info.Sys().(*syscall.Stat_t)
	return st.Dev, st.Ino
}

// Blocks that have been unused for a while are freed at both ends, even if no others are used;
// those in use stay.
func TestIdleBlocksAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keep, idle = 1 << 30, 10 * time.Second
		p, v := blocks.NewPool(keep, idle), blocks.NewViews(keep, idle)
		defer p.Close()
		defer v.Close()
		mapped := func(want int) {
			t.Helper()
			synctest.Wait()
			if n := mappings(t, "mrrun message"); n != want {
				t.Errorf("%d mappings, want %d", n, want)
			}
		}
		view := func() blocks.Piece {
			piece := p.Send(mustGet(t, p, 100<<10), 1)
			if _, err := v.View(piece); err != nil {
				t.Fatal(err)
			}
			return piece
		}
		inUse := view()
		v.Release(view())
		p.Put(mustGet(t, p, 1<<20))
		mapped(5)
		time.Sleep(idle - time.Second)
		mapped(5)
		v.Release(view()) // the same one, used once more
		time.Sleep(idle / 2)
		mapped(4)
		time.Sleep(idle)
		mapped(2)
		v.Release(inUse)
		time.Sleep(idle + idle/2)
		mapped(0)
	})
}

// With an idle time of 0, blocks are freed as soon as they are unused.
func TestBlocksAreGivenBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, v := blocks.NewPool(1<<30, 0), blocks.NewViews(1<<30, 0)
		defer p.Close()
		defer v.Close()
		p.Put(mustGet(t, p, 1))
		piece := p.Send(mustGet(t, p, 1), 1)
		if _, err := v.View(piece); err != nil {
			t.Fatal(err)
		}
		v.Release(piece)
		if n := mappings(t, "mrrun message"); n != 1 {
			t.Errorf("%d mappings, want that of the sender, who does not know yet", n)
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if n := mappings(t, "mrrun message"); n != 0 {
			t.Errorf("%d mappings are left", n)
		}
	})
}
