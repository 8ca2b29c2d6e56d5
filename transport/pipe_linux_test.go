package transport

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
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
