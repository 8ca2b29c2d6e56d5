package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// frames cuts a stream into frames and copies their bodies.
func frames(t *testing.T, stream []byte) []Frame {
	t.Helper()
	var all []Frame
	r := NewReader(bytes.NewReader(stream), 0)
	for {
		f, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Body = bytes.Clone(f.Body)
		all = append(all, f)
	}
}

// show formats frames as kind/tag "body", ...
func show(all []Frame) string {
	var parts []string
	for _, f := range all {
		parts = append(parts, fmt.Sprintf("%d/%d %q", f.Kind, f.Tag, f.Body))
	}
	return strings.Join(parts, ", ")
}

func text(s string) func(*Encoder) error {
	return func(e *Encoder) error { _, err := e.Write([]byte(s)); return err }
}

// writes records the bytes of each call of Write.
type writes struct {
	calls [][]byte
	err   error
}

func (w *writes) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.calls = append(w.calls, bytes.Clone(p))
	return len(p), nil
}

func TestWriterGathersFramesUntilFlush(t *testing.T) {
	var out writes
	w := NewWriter(&out)
	waiting := 0
	for i, s := range []string{"a", "", "ccc"} {
		n, err := w.Add(byte(i), uint32(i), text(s))
		waiting += headerSize + len(s)
		if n != waiting || err != nil {
			t.Errorf("add %q: got %d waiting, %v, want %d", s, n, err, waiting)
		}
	}
	if n, err := w.Add(9, 9, nil); n != waiting+headerSize || err != nil {
		t.Errorf("add without a body: got %d, %v", n, err)
	}
	if len(out.calls) != 0 {
		t.Fatal("bytes left before Flush")
	}
	for range 2 { // the second has nothing to do
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.calls) != 1 {
		t.Fatalf("got %d writes for one Flush with frames", len(out.calls))
	}
	if got, want := show(frames(t, out.calls[0])), `0/0 "a", 1/1 "", 2/2 "ccc", 9/9 ""`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if n, err := w.Add(0, 0, nil); n != headerSize || err != nil {
		t.Errorf("after a Flush: got %d waiting, %v", n, err)
	}
}

// Bytes that wait must not be in the buffer that is being written, nor in one that was kept.
func TestWriterReusesBuffersWithoutMixingThem(t *testing.T) {
	var out writes
	w := NewWriter(&out)
	var want []string
	for i := range 20 {
		size := 10 << (i % 3 * 8) // 10, 2,560 and 655,360 bytes, then a buffer too large to be kept
		if i == 10 {
			size = keepBuffer + 1
		}
		body := strings.Repeat(string(rune('a'+i)), size)
		want = append(want, body)
		if _, err := w.Add(0, 0, text(body)); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			continue
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range frames(t, bytes.Join(out.calls, nil)) {
		if string(f.Body) != want[i] {
			t.Errorf("frame %d has %d other bytes", i, len(f.Body))
		}
	}
}

func TestFailedEncodeAddsNothing(t *testing.T) {
	bad := errors.New("cannot be encoded")
	var out writes
	w := NewWriter(&out)
	before, err := w.Add(1, 1, text("one"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Add(2, 2, func(e *Encoder) error { e.String("half of it"); return bad })
	if n != before || !errors.Is(err, bad) {
		t.Errorf("got %d waiting, %v, want %d, %v", n, err, before, bad)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of encode got lost")
			}
		}()
		_, _ = w.Add(3, 3, func(e *Encoder) error { e.String("half of it"); panic("encode") })
	}()
	if _, err := w.Add(4, 4, text("two")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := frames(t, bytes.Join(out.calls, nil)); show(got) != `1/1 "one", 4/4 "two"` {
		t.Errorf("got %s", show(got))
	}
}

func TestWriteErrorSticks(t *testing.T) {
	broken := errors.New("broken pipe")
	out := writes{err: broken}
	w := NewWriter(&out)
	if err := w.Flush(); err != nil {
		t.Errorf("flush of nothing: %v", err)
	}
	if _, err := w.Add(1, 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); !errors.Is(err, broken) {
		t.Errorf("flush: got %v", err)
	}
	out.err = nil // part of a frame may have been written: later frames would be garbage
	called := false
	if n, err := w.Add(2, 2, func(*Encoder) error { called = true; return nil }); n != 0 || !errors.Is(err, broken) || called {
		t.Errorf("add: got %d, %v, encode called: %v", n, err, called)
	}
	if err := w.Flush(); !errors.Is(err, broken) || len(out.calls) != 0 {
		t.Errorf("second flush: got %v and %d writes", err, len(out.calls))
	}
}

// gate is a stream that accepts no bytes until it is opened.
type gate struct {
	entered, open chan struct{}
	buf           bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	g.entered <- struct{}{}
	<-g.open
	return g.buf.Write(p)
}

func TestAddDoesNotWaitForTheStream(t *testing.T) {
	g := &gate{entered: make(chan struct{}, 2), open: make(chan struct{})}
	w := NewWriter(g)
	if _, err := w.Add(1, 1, text("first")); err != nil {
		t.Fatal(err)
	}
	flushed := make(chan error, 2)
	go func() { flushed <- w.Flush() }()
	<-g.entered
	added := make(chan error)
	go func() {
		_, err := w.Add(2, 2, text("second"))
		added <- err
	}()
	select {
	case err := <-added:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Add waits for a Flush")
	}
	go func() { flushed <- w.Flush() }()
	close(g.open)
	for range 2 {
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
	}
	if got := frames(t, g.buf.Bytes()); show(got) != `1/1 "first", 2/2 "second"` {
		t.Errorf("got %s", show(got))
	}
}

func TestConcurrentAddAndFlushKeepEveryFrameAndTheOrderOfEachSender(t *testing.T) {
	const senders, each = 8, 300
	var out bytes.Buffer // written to by one Flush at a time
	w := NewWriter(&out)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				_, err := w.Add(byte(s), uint32(i), func(e *Encoder) error { e.buf = append(e.buf, pattern(s*i)...); return nil })
				if err == nil && i%(s+1) == 0 {
					err = w.Flush()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var next [senders]uint32
	for _, f := range frames(t, out.Bytes()) {
		if f.Tag != next[f.Kind] || !bytes.Equal(f.Body, pattern(int(f.Kind)*int(f.Tag))) {
			t.Fatalf("sender %d: got frame %d with %d bytes, want frame %d", f.Kind, f.Tag, len(f.Body), next[f.Kind])
		}
		next[f.Kind]++
	}
	for s, n := range next {
		if n != each {
			t.Errorf("sender %d: got %d frames, want %d", s, n, each)
		}
	}
}

// Other programs may read the frames: the header is where the package comment says.
func TestHeaderHoldsLengthOfBody(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 65535, 65536, 1 << 20} {
		var out bytes.Buffer
		w := NewWriter(&out)
		if _, err := w.Add(0xab, 0x01020304, text(string(pattern(n)))); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := binary.LittleEndian.Uint64(out.Bytes()[8:]); got != uint64(n) {
			t.Errorf("got length %d, want %d", got, n)
		}
		if !bytes.Equal(out.Bytes(), rawFrame(0xab, 0x01020304, pattern(n))) {
			t.Errorf("body of %d bytes: other bytes than documented", n)
		}
	}
}

// A trickle accepts take bytes at a time without waiting, and all bytes if it may wait.
type trickle struct {
	bytes.Buffer
	take int
}

func (s *trickle) TryWrite(p []byte) int {
	n, _ := s.Buffer.Write(p[:min(s.take, len(p))])
	return n
}

func TestTryFlush(t *testing.T) {
	var want bytes.Buffer
	whole := NewWriter(&want)
	s := &trickle{}
	w := NewWriter(s)
	if !w.TryFlush() {
		t.Error("nothing waited, and TryFlush left it")
	}
	for tag, take := range []int{1 << 20, 7, 0, 1 << 20, 3} {
		s.take = take
		for _, to := range []*Writer{whole, w} {
			if _, err := to.Add(9, uint32(tag), func(e *Encoder) error { e.String("a body"); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if done := w.TryFlush(); done != (take == 1<<20) {
			t.Errorf("the stream took %d bytes, TryFlush returned %v", take, done)
		}
		if w.Flush() != nil || whole.Flush() != nil || !bytes.Equal(s.Bytes(), want.Bytes()) {
			t.Fatalf("frame %d: written % x, want % x", tag, s.Bytes(), want.Bytes())
		}
	}
	if NewWriter(&want).TryFlush() {
		t.Error("a stream that cannot be tried was said to have taken all")
	}
}
