package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"mrrun/shared"
)

func mustPipe[T any](tb testing.TB) (a, b *PipeEnd[T]) {
	tb.Helper()
	a, b, err := Pipe[T]()
	mustNot(tb, err)
	tb.Cleanup(func() {
		mustNot(tb, a.Close())
		mustNot(tb, b.Close())
	})
	return a, b
}

func TestPipeBothWays(t *testing.T) {
	a, b := mustPipe[string](t)
	for _, s := range []string{"", "x", strings.Repeat("y", 1000)} {
		mustNot(t, a.Send(s))
		mustNot(t, b.Send(s+"!"))
		if got, err := b.Recv(); got != s || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, s)
		}
		if got, err := a.Recv(); got != s+"!" || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, s+"!")
		}
	}
}

func TestPipeOneWay(t *testing.T) {
	before := descriptors(t)
	r, w, err := OneWayPipe[int]()
	mustNot(t, err)
	mustNot(t, w.Send(1))
	if err := r.Send(2); !errors.Is(err, errReceivesOnly) {
		t.Errorf("Send of the reader: %v", err)
	}
	if _, err := w.Recv(); !errors.Is(err, errSendsOnly) {
		t.Errorf("Recv of the writer: %v", err)
	}
	if _, err := w.Poll(0); !errors.Is(err, errSendsOnly) {
		t.Errorf("Poll of the writer: %v", err)
	}
	mustNot(t, w.Close())
	mustNot(t, w.Close())
	if err := w.Send(3); !errors.Is(err, ErrClosed) {
		t.Errorf("Send after Close: %v", err)
	}
	if n, err := r.Recv(); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	for range 2 {
		if ok, err := r.Poll(0); !ok || err != nil {
			t.Errorf("Poll at the end: %t, %v", ok, err)
		}
		if _, err := r.Recv(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
	mustNot(t, r.Close())
	if _, err := r.Recv(); !errors.Is(err, ErrClosed) {
		t.Errorf("Recv after Close: %v", err)
	}
	if _, err := r.Poll(0); !errors.Is(err, ErrClosed) {
		t.Errorf("Poll after Close: %v", err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}

func TestPipeReaderGone(t *testing.T) {
	a, b := mustPipe[int](t)
	mustNot(t, b.Close())
	if err := a.Send(1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestPipePollAndDeadline(t *testing.T) {
	a, b := mustPipe[int](t)
	for _, d := range []time.Duration{0, time.Millisecond} {
		if ok, err := b.Poll(d); ok || err != nil {
			t.Errorf("Poll of nothing: %t, %v", ok, err)
		}
	}
	mustNot(t, b.SetDeadline(time.Now().Add(time.Millisecond)))
	for range 2 {
		if _, err := b.Recv(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Recv: %v", err)
		}
	}
	if ok, err := b.Poll(-1); ok || err != nil {
		t.Errorf("Poll after the deadline: %t, %v", ok, err)
	}
	mustNot(t, b.SetDeadline(time.Time{}))
	var polling sync.WaitGroup
	polling.Go(func() {
		if ok, err := b.Poll(-1); !ok || err != nil {
			t.Errorf("Poll: %t, %v", ok, err)
		}
	})
	mustNot(t, a.Send(5))
	polling.Wait()
	if ok, err := b.Poll(0); !ok || err != nil {
		t.Errorf("Poll of what is there: %t, %v", ok, err)
	}
	if n, err := b.Recv(); n != 5 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	var full error
	mustNot(t, a.SetDeadline(time.Now().Add(10*time.Millisecond)))
	for full == nil {
		full = a.Send(1)
	}
	if !errors.Is(full, os.ErrDeadlineExceeded) {
		t.Errorf("Send into a full pipe: %v", full)
	}
}

func TestPipeCloseEndsRecv(t *testing.T) {
	a, _ := mustPipe[int](t)
	var receiving sync.WaitGroup
	receiving.Go(func() {
		if _, err := a.Recv(); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
	mustNot(t, a.Close())
	receiving.Wait()
}

func init() {
	helpers["echo"] = func(arg *Decoder) {
		var end *PipeEnd[[]byte]
		if err := arg.mp.Decode(&end); err != nil {
			panic(err)
		}
		ready()
		for {
			b, err := end.Recv()
			if err == io.EOF {
				return
			}
			if err != nil {
				panic(err)
			}
			if err := end.Send(b); err != nil {
				panic(err)
			}
		}
	}
	helpers["relay"] = func(arg *Decoder) { // there and back again
		var ends []*PipeEnd[[]byte]
		if err := arg.mp.Decode(&ends); err != nil {
			panic(err)
		}
		ready()
		for from, to := ends[1], ends[0]; ; from, to = to, from {
			b, err := from.Recv()
			if err == io.EOF {
				return
			}
			if err == nil {
				err = to.Send(b)
			}
			if err != nil {
				panic(err)
			}
		}
	}
	helpers["sink"] = func(arg *Decoder) {
		var end *PipeEnd[[]byte]
		if err := arg.mp.Decode(&end); err != nil {
			panic(err)
		}
		ready()
		select {}
	}
	helpers["source"] = func(arg *Decoder) {
		var end *PipeEnd[[]byte]
		if err := arg.mp.Decode(&end); err != nil {
			panic(err)
		}
		ready()
		for n := 0; ; n++ {
			if err := end.Send(appendMessage(nil, 0, n)); err != nil {
				panic(err)
			}
		}
	}
}

func TestPipeBetweenProcesses(t *testing.T) {
	a, b := mustPipe[[]byte](t)
	h := startHelper(t, "echo", b)
	mustNot(t, b.Close())
	for i, n := range []int{0, 1, 16, 1000, 65536, 1 << 20, 40 << 20} {
		want := seeded(n, i)
		var sending sync.WaitGroup
		sending.Go(func() { mustNot(t, a.Send(want)) })
		if got, err := a.Recv(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
		sending.Wait()
	}
	mustNot(t, a.Close())
	h.end(t)
}

// When the other process is killed, what it sent arrives complete, and then the end.
func TestPipeOtherEndKilled(t *testing.T) {
	for range 20 {
		r, w, err := OneWayPipe[[]byte]()
		mustNot(t, err)
		h := startHelper(t, "source", w)
		mustNot(t, w.Close())
		got, killed := newTally(), false
		for n := 0; ; n++ {
			b, err := r.Recv()
			if n == 100 {
				h.kill(t)
				killed = true
			}
			if err != nil {
				if !killed || err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("after %d: %v", n, err)
				}
				break
			}
			got.add(t, b)
			if got.last[0] != n {
				t.Errorf("message %d comes as the %dth", got.last[0], n)
			}
		}
		mustNot(t, r.Close())
	}
	a, b := mustPipe[[]byte](t)
	h := startHelper(t, "sink", b)
	mustNot(t, b.Close())
	h.kill(t)
	if _, err := a.Recv(); err != io.EOF {
		t.Errorf("Recv: %v", err)
	}
	if err := a.Send(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Send: %v", err)
	}
}

// An end that arrives when the other one is closed still has what was sent.
func TestPipeEndArrivesLate(t *testing.T) {
	a, b := mustPipe[int](t)
	mustNot(t, a.Send(3))
	mustNot(t, a.Close())
	e := NewEncoder(nil)
	mustNot(t, e.mp.Encode(b))
	var c PipeEnd[int]
	mustNot(t, NewDecoder(e.Bytes()).mp.Decode(&c))
	defer c.Close()
	if n, err := c.Recv(); n != 3 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if err := c.Send(1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Send: %v", err)
	}
	var other PipeEnd[string]
	if err := NewDecoder(e.Bytes()).mp.Decode(&other); err == nil || !strings.Contains(err.Error(), "another type") {
		t.Errorf("as a pipe of another type: %v", err)
	}
	mustNot(t, b.Close())
	if err := NewDecoder(e.Bytes()).mp.Decode(new(PipeEnd[int])); !errors.Is(err, shared.ErrGone) {
		t.Errorf("after Close: %v", err)
	}
	if err := NewEncoder(nil).mp.Encode(b); !errors.Is(err, ErrClosed) {
		t.Errorf("send after Close: %v", err)
	}
}

// Two processes have the ends that a third one has made, and closed.
func TestPipeOutlivesItsMaker(t *testing.T) {
	a, b, err := Pipe[[]byte]()
	mustNot(t, err)
	c, d, err := Pipe[[]byte]()
	mustNot(t, err)
	echo := startHelper(t, "echo", b)
	relay := startHelper(t, "relay", []*PipeEnd[[]byte]{a, c})
	for _, e := range []*PipeEnd[[]byte]{a, b, c} {
		mustNot(t, e.Close())
	}
	for i, n := range []int{0, 1, 1000, 1 << 20} {
		want := seeded(n, i)
		mustNot(t, d.Send(want))
		if got, err := d.Recv(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
	mustNot(t, d.Close())
	relay.end(t)
	echo.end(t)
}

// Only one process at a time uses an end.
func TestPipeEndHasOneUser(t *testing.T) {
	a, b := mustPipe[[]byte](t)
	h := startHelper(t, "echo", b)
	mustNot(t, a.Send([]byte("x")))
	if _, err := a.Recv(); err != nil {
		t.Error(err)
	}
	want := fmt.Sprintf("process %d is using this end of the pipe", h.Process.Pid)
	if err := b.Send(nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Send of an end that another process uses: %v", err)
	}
	if _, err := b.Recv(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Recv of an end that another process uses: %v", err)
	}
	h.kill(t)
	mustNot(t, b.Send([]byte("y")))
	if got, err := a.Recv(); string(got) != "y" || err != nil {
		t.Errorf("from the next user: %q, %v", got, err)
	}
	e := NewEncoder(nil)
	mustNot(t, e.mp.Encode(b))
	var c PipeEnd[[]byte]
	mustNot(t, NewDecoder(e.Bytes()).mp.Decode(&c))
	if err := c.Send(nil); err == nil || !strings.Contains(err.Error(), "another copy") {
		t.Errorf("Send of a copy: %v", err)
	}
	mustNot(t, b.Close())
	mustNot(t, c.Send([]byte("z")))
	mustNot(t, c.Close())
}

// A process that only sends notices that nothing receives any more.
func TestPipeReaderKilled(t *testing.T) {
	r, w, err := OneWayPipe[[]byte]()
	mustNot(t, err)
	h := startHelper(t, "sink", r)
	mustNot(t, r.Close())
	mustNot(t, w.Send(nil))
	h.kill(t)
	if err := w.Send(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Send to a process that was killed: %v", err)
	}
	mustNot(t, w.Close())
}

func TestPipeArrival(t *testing.T) {
	a, b := mustPipe[int](t)
	first := b.Arrival()
	if b.Arrival() != first {
		t.Error("two arrivals are waited for")
	}
	select {
	case <-first.Done():
		t.Error("something arrived that nobody sent")
	default:
	}
	mustNot(t, a.Send(1))
	<-first.Done()
	<-b.Arrival().Done()
	if n, err := b.Recv(); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	last := b.Arrival()
	if last == first {
		t.Error("it arrived before")
	}
	mustNot(t, a.Close())
	<-last.Done()
	if _, err := b.Recv(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	c, d := mustPipe[int](t)
	closed := d.Arrival()
	mustNot(t, d.Close())
	<-closed.Done()
	mustNot(t, c.Close())
}

func FuzzPipeHandle(f *testing.F) {
	_, b := mustPipe[int](f)
	e := NewEncoder(nil)
	mustNot(f, e.mp.Encode(b))
	f.Add(e.Bytes())
	f.Fuzz(func(t *testing.T, handle []byte) {
		var c PipeEnd[int]
		if err := NewDecoder(handle).mp.Decode(&c); err == nil && c != (PipeEnd[int]{}) { // nil leaves it unchanged
			mustNot(t, c.Close())
		}
	})
}
