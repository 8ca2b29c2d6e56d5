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

	"mrrun/shared"
)

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

// An end that was sent and has arrived is closed at once.
func TestPipeCloseAfterArrival(t *testing.T) {
	a, b := mustPipe[int](t)
	mustNot(t, b.pipe.depart())
	b.pipe.Arrived().Add(1) // the receiver has opened it, and has not told
	mustNot(t, b.Close())
	if err := b.pipe.bell.In.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("its files were open: %v", err)
	}
	mustNot(t, a.Close())
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
