package stream

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"mrrun/internal/shm"
)

// open makes both ends of a stream in this process, with size bytes each way.
func open(tb testing.TB, size int) (a, b *Stream) {
	tb.Helper()
	region, err := NewRegion(size)
	mustNot(tb, err)
	place, err := region.Place()
	mustNot(tb, err)
	other, err := place.Map()
	mustNot(tb, err)
	r1, w1, err := os.Pipe()
	mustNot(tb, err)
	r2, w2, err := os.Pipe()
	mustNot(tb, err)
	a, err = Open(region, 0, Bell{In: r1, Out: w2}, nil)
	mustNot(tb, err)
	b, err = Open(other, 1, Bell{In: r2, Out: w1}, nil)
	mustNot(tb, err)
	tb.Cleanup(func() {
		mustNot(tb, a.Close())
		mustNot(tb, b.Close())
	})
	return a, b
}

func mustNot(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Bytes go around both ways at once, in parts of all sizes, through a ring so small that both sides
// have to sleep.
func TestBytesArriveInOrder(t *testing.T) {
	for _, size := range []int{64, 4096, 256 << 10} {
		a, b := open(t, size)
		total := min(size*2000, 32<<20)
		var all sync.WaitGroup
		for seed, ends := range [][2]*Stream{{a, b}, {b, a}} {
			all.Go(func() { write(t, ends[0], total, uint64(seed)) })
			all.Go(func() { read(t, ends[1], total, uint64(seed)) })
		}
		all.Wait()
	}
}

// write writes total bytes derived from seed.
func write(t *testing.T, s *Stream, total int, seed uint64) {
	bytes, parts := rand.NewChaCha8([32]byte{byte(seed)}), rand.New(rand.NewPCG(seed, 1))
	for total > 0 {
		part := make([]byte, min(total, part(parts)))
		_, _ = bytes.Read(part)
		if n, err := s.Write(part); n != len(part) || err != nil {
			t.Errorf("write: %d of %d, %v", n, len(part), err)
			return
		}
		total -= len(part)
	}
}

func read(t *testing.T, s *Stream, total int, seed uint64) {
	source, parts := rand.NewChaCha8([32]byte{byte(seed)}), rand.New(rand.NewPCG(seed, 2))
	for total > 0 {
		got := make([]byte, min(total, part(parts)))
		if _, err := io.ReadFull(s, got); err != nil {
			t.Errorf("read: %v", err)
			return
		}
		want := make([]byte, len(got))
		_, _ = source.Read(want)
		if !bytes.Equal(got, want) {
			t.Errorf("with %d bytes to go others came than were written", total)
			return
		}
		total -= len(got)
	}
}

// part returns a size that is mostly small, and sometimes larger than any ring.
func part(r *rand.Rand) int { return 1 + r.IntN(1<<r.IntN(20)) }

// The two sides take turns, so that each sleeps until the other acts: a lost wake-up would stop
// both.
func TestNoWakeUpIsLost(t *testing.T) {
	a, b := open(t, 64)
	const turns = 20_000
	a.inWatch.skip, b.inWatch.skip = turns, turns
	var echo sync.WaitGroup
	echo.Go(func() {
		for range turns {
			var one [1]byte
			if _, err := b.Read(one[:]); err != nil {
				t.Error(err)
				return
			}
			if _, err := b.Write(one[:]); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range turns {
		one := [1]byte{byte(i)}
		if i%3 == 0 {
			a.inWatch.skip = 0 // it spins for a while
		}
		_, err := a.Write(one[:])
		mustNot(t, err)
		_, err = a.Read(one[:])
		mustNot(t, err)
		if one[0] != byte(i) {
			t.Fatalf("turn %d: got %d", i, one[0])
		}
	}
	echo.Wait()
}

func TestEnd(t *testing.T) {
	a, b := open(t, 64)
	_, err := a.Write([]byte("rest"))
	mustNot(t, err)
	mustNot(t, a.Close())
	mustNot(t, a.Close())
	if ready, err := b.Poll(-1); !ready || err != nil {
		t.Errorf("Poll: %t, %v", ready, err)
	}
	if rest, err := io.ReadAll(b); string(rest) != "rest" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
	if _, err := b.Write([]byte{1}); err != io.ErrClosedPipe {
		t.Errorf("Write to nobody: %v", err)
	}
	for _, p := range [][]byte{make([]byte, 8), {}} {
		if _, err := a.Read(p); err != os.ErrClosed {
			t.Errorf("Read after Close: %v", err)
		}
		if _, err := a.Write(p); err != os.ErrClosed {
			t.Errorf("Write after Close: %v", err)
		}
	}
}

// What waits for the other side ends when that is gone, when its own end is closed, and at the
// deadline.
func TestWaitsEnd(t *testing.T) {
	full := make([]byte, 100)
	type ending struct {
		name        string
		end         func(own, other *Stream) error
		read, write error
	}
	for _, e := range []ending{
		{"other gone", func(_, other *Stream) error { return other.Close() }, io.EOF, io.ErrClosedPipe},
		{"closed", func(own, _ *Stream) error { return own.Close() }, os.ErrClosed, os.ErrClosed},
		{"deadline", func(own, _ *Stream) error { return own.SetDeadline(time.Now()) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	} {
		a, b := open(t, 64)
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, e.read) {
				t.Errorf("%s: Read: %v", e.name, err)
			}
		})
		waiting.Go(func() {
			if n, err := a.Write(full); n != 64 || !errors.Is(err, e.write) {
				t.Errorf("%s: Write: %d, %v", e.name, n, err)
			}
		})
		for b.in.hasRoom() { // until both wait, or are about to
			runtime.Gosched()
		}
		mustNot(t, e.end(a, b))
		waiting.Wait()
	}
}

// That the other process is gone counts for more than a deadline.
func TestEndBeforeDeadline(t *testing.T) {
	a, b := open(t, 64)
	mustNot(t, b.Close())
	mustNot(t, a.SetDeadline(time.Unix(1, 0)))
	if _, err := a.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read: %v", err)
	}
	if n, err := a.Write(make([]byte, 100)); err != io.ErrClosedPipe {
		t.Errorf("Write: %d, %v", n, err)
	}
}

// A Poll that ends does not end the waits of others.
func TestPollEndsAlone(t *testing.T) {
	a, b := open(t, 64)
	var writing sync.WaitGroup
	writing.Go(func() {
		if n, err := a.Write(make([]byte, 100)); n != 100 || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	})
	for range 5 {
		if ready, err := a.Poll(3 * time.Millisecond); ready || err != nil {
			t.Errorf("Poll: %t, %v", ready, err)
		}
	}
	_, err := io.ReadFull(b, make([]byte, 100))
	mustNot(t, err)
	writing.Wait()
}

func TestClaim(t *testing.T) {
	a, _ := open(t, 64)
	alive := map[uint64]bool{1: true, 2: true}
	is := func(who uint64) bool { return alive[who] }
	for _, c := range []struct{ who, want uint64 }{{1, 1}, {1, 1}, {2, 1}} {
		if got := a.Claim(c.who, is); got != c.want {
			t.Errorf("%d claims it: %d has it, want %d", c.who, got, c.want)
		}
	}
	alive[1] = false
	if got := a.Claim(2, is); got != 2 {
		t.Errorf("after the death of 1 it is %d's", got)
	}
}

// Whatever is in the memory, nothing panics, and nothing outside of the lanes is touched.
func FuzzWords(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint64(64), uint64(1<<63))
	f.Add(uint64(1), uint64(65), ^uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, tail0, head0, tail1, head1 uint64) {
		a, _ := open(t, 64)
		a.lanes[0].tail.Store(tail0)
		a.lanes[0].head.Store(head0)
		a.lanes[1].tail.Store(tail1)
		a.lanes[1].head.Store(head1)
		mustNot(t, a.SetDeadline(time.Unix(1, 0)))
		if _, err := a.Write(make([]byte, 70)); !errors.Is(err, ErrBroken) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %v", err)
		}
		if _, err := a.Read(make([]byte, 70)); err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, size := range []int64{0, headSize, headSize + 2*100} {
		region, err := shm.NewRegion("test", max(size, 1))
		mustNot(t, err)
		if _, err := Open(region, 0, Bell{}, nil); !errors.Is(err, ErrBroken) {
			t.Errorf("%d bytes: %v", size, err)
		}
		mustNot(t, region.Close())
	}
}

// An Interrupt ends one waiting Read, even if it comes just before it, and nothing else: AwaitEnd
// sleeps on.
func TestInterruptEndsOneRead(t *testing.T) {
	a, b := open(t, 4096)
	ended := make(chan error, 1)
	go func() { ended <- a.AwaitEnd() }()
	for i := range 2000 {
		read := make(chan error)
		go func() {
			_, err := a.Read(make([]byte, 1))
			read <- err
		}()
		if i%2 == 0 {
			runtime.Gosched()
		}
		a.Interrupt()
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	a.Interrupt() // no Read waits; what is there is read all the same
	_, err := b.Write([]byte("x"))
	mustNot(t, err)
	p := make([]byte, 1)
	if n, err := a.Read(p); n != 1 || err != nil {
		t.Errorf("what is there: %d, %v", n, err)
	}
	if _, err := a.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the next that would have to wait: %v", err)
	}
	go func() { _, _ = b.Write([]byte("y")) }()
	if n, err := a.Read(p); n != 1 || err != nil {
		t.Errorf("the one after: %d, %v", n, err)
	}
	mustNot(t, b.Close())
	if err := <-ended; err != io.EOF {
		t.Errorf("the end: %v", err)
	}
}
