package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

type note struct {
	From, N int
	Text    string
}

// pipeEnd makes one stream of the two directions of two OS pipes.
type pipeEnd struct {
	*os.File
	out *os.File
}

func (p pipeEnd) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p pipeEnd) Close() error                { return errors.Join(p.File.Close(), p.out.Close()) }

func osPipes(t *testing.T) (a, b io.ReadWriteCloser) {
	t.Helper()
	readA, writeB, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	readB, writeA, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return pipeEnd{readA, writeA}, pipeEnd{readB, writeB}
}

func netPipes(*testing.T) (a, b io.ReadWriteCloser) { return net.Pipe() }

// conns returns two connected ends; at the end of the test those still open are closed, and no
// goroutine may be left.
func conns[T any](t *testing.T, limit uint64, pipes func(*testing.T) (a, b io.ReadWriteCloser)) (a, b *Conn[T]) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	ends := [2]*Conn[T]{}
	streams := [2]io.ReadWriteCloser{}
	streams[0], streams[1] = pipes(t)
	for i, s := range streams {
		c, err := NewConn[T](s, limit)
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = c
		t.Cleanup(func() { _ = c.Close() }) // may be the second time
	}
	return ends[0], ends[1]
}

func onEachStream(t *testing.T, test func(t *testing.T, pipes func(*testing.T) (a, b io.ReadWriteCloser))) {
	t.Run("net.Pipe", func(t *testing.T) { test(t, netPipes) })
	t.Run("os.Pipe", func(t *testing.T) { test(t, osPipes) })
}

// sending calls Send in a goroutine, because a stream may accept nothing before the other end
// receives.
func sending[T any](c *Conn[T], values ...T) <-chan error {
	done := make(chan error, 1)
	go func() {
		for _, v := range values {
			if err := c.Send(v); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	return done
}

func receive[T any](t *testing.T, c *Conn[T]) T {
	t.Helper()
	v, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestConnKeepsBoundariesAndOrderInBothDirections(t *testing.T) {
	onEachStream(t, func(t *testing.T, pipes func(*testing.T) (a, b io.ReadWriteCloser)) {
		a, b := conns[string](t, 0, pipes)
		values := []string{"", "one", strings.Repeat("large", 300_000), "", "last"}
		fromA, fromB := sending(a, values...), sending(b, values...)
		for i, want := range values {
			for name, end := range map[string]*Conn[string]{"a": a, "b": b} {
				if got := receive(t, end); got != want {
					t.Errorf("%s, value %d: got %d bytes, want %d", name, i, len(got), len(want))
				}
			}
		}
		for _, done := range []<-chan error{fromA, fromB} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestConnEndsWithEOF(t *testing.T) {
	onEachStream(t, func(t *testing.T, pipes func(*testing.T) (a, b io.ReadWriteCloser)) {
		a, b := conns[note](t, 0, pipes)
		sent := sending(a, note{N: 1})
		if got := receive(t, b); got.N != 1 {
			t.Errorf("got %+v", got)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if v, err := b.Recv(); err != io.EOF || v != (note{}) {
				t.Errorf("got %v, %v, want EOF itself", v, err)
			}
		}
		for range 2 { // the error of the stream sticks
			if err := b.Send(note{}); err == nil || !strings.HasPrefix(err.Error(), "send transport.note: ") {
				t.Errorf("send to a closed end: got %v", err)
			}
		}
	})
}

func TestCloseEndsCallsUnderWay(t *testing.T) {
	onEachStream(t, func(t *testing.T, pipes func(*testing.T) (a, b io.ReadWriteCloser)) {
		a, _ := conns[[]byte](t, 0, pipes)
		sent := sending(a, make([]byte, 1<<20)) // more than a pipe holds: blocks until the other end receives
		received := make(chan error, 1)
		go func() { _, err := a.Recv(); received <- err }()
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-sent; err == nil {
			t.Error("send: no error")
		}
		if err := <-received; err == nil {
			t.Error("recv: no error")
		}
	})
}

func TestConcurrentSendAndRecv(t *testing.T) {
	onEachStream(t, func(t *testing.T, pipes func(*testing.T) (a, b io.ReadWriteCloser)) {
		const senders, each = 6, 100
		a, b := conns[note](t, 0, pipes)
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for i := range each {
					if err := a.Send(note{s, i, strings.Repeat("x", s*100+i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var got [senders][each]atomic.Int32
		for range senders {
			wg.Go(func() {
				for range each {
					n, err := b.Recv()
					if err != nil || n.Text != strings.Repeat("x", n.From*100+n.N) {
						t.Errorf("got %+v, %v", n, err)
						return
					}
					got[n.From][n.N].Add(1)
				}
			})
		}
		wg.Wait()
		for s := range got {
			for i := range got[s] {
				if n := got[s][i].Load(); n != 1 {
					t.Errorf("sender %d, note %d came %d times", s, i, n)
				}
			}
		}
	})
}

func TestConcurrentSendersKeepTheirOwnOrder(t *testing.T) {
	const senders, each = 4, 100
	a, b := conns[note](t, 0, osPipes)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if err := a.Send(note{From: s, N: i}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next [senders]int
	for range senders * each {
		n := receive(t, b)
		if n.N != next[n.From] {
			t.Errorf("sender %d: got note %d, want %d", n.From, n.N, next[n.From])
		}
		next[n.From]++
	}
	wg.Wait()
}

func TestConnGoesOnAfterValueThatCannotBeEncoded(t *testing.T) {
	a, b := conns[[]moody](t, 0, netPipes)
	for _, mood := range []string{"error", "panic"} {
		if err := a.Send([]moody{{"fine"}, {mood}}); err == nil || !strings.HasPrefix(err.Error(), "send []transport.moody: ") {
			t.Errorf("%s: got %v", mood, err)
		}
	}
	sent := sending(a, []moody{{"fine again"}})
	if got := receive(t, b); len(got) != 1 || got[0].Mood != "fine again" {
		t.Errorf("got %v", got)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestConnRefusesValueOverItsLimit(t *testing.T) {
	const limit = 100
	a, b := conns[[]byte](t, limit, osPipes)
	for _, n := range []int{limit - 2, limit - 1} { // two bytes hold the length of the value
		if err := a.Send(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := receive(t, b); len(got) != limit-2 {
		t.Errorf("got %d bytes", len(got))
	}
	_, err := b.Recv()
	tooLarge, ok := errors.AsType[*SizeError](err)
	if !ok || tooLarge.Size != limit+1 || tooLarge.Limit != limit || !strings.HasPrefix(err.Error(), "receive []uint8: ") {
		t.Errorf("got %v", err)
	}
}

func TestConnRefusesWhatIsNoValue(t *testing.T) {
	tests := map[string]struct {
		stream []byte
		want   error
	}{
		"garbage":               {[]byte("Segmentation fault (core dumped)"), ErrFormat},
		"two values in a frame": {rawFrame(0, 0, []byte{1, 2}), ErrFormat},
		"cut frame":             {rawFrame(0, 0, []byte{0xcd, 1, 0})[:headerSize+2], io.ErrUnexpectedEOF},
		"cut value":             {rawFrame(0, 0, []byte{0xcd, 1}), io.ErrUnexpectedEOF},
		"no value":              {rawFrame(0, 0, nil), io.EOF}, // wrapped: the stream itself did not end
		"value of another type": {rawFrame(0, 0, []byte("\xa1x")), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			c, err := NewConn[int](near, 0)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = far.Write(tt.stream) // cut short when Recv has seen enough
				_ = far.Close()
			}()
			_, err = c.Recv()
			if err == nil || err == io.EOF || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want it to wrap %v", err, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "receive int: ") {
				t.Errorf("got %q", err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			goleak.VerifyNone(t)
		})
	}
}

func TestConnOfTypeThatCannotTravel(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	c, err := NewConn[func()](near, 0)
	if _, ok := errors.AsType[*TypeError](err); !ok || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

// A sent value belongs to the sender again as soon as Send returns.
func TestValueMayChangeAfterSend(t *testing.T) {
	a, b := conns[[]int](t, 0, osPipes)
	v := []int{0}
	for i := range 100 {
		v[0] = i
		if err := a.Send(v); err != nil {
			t.Fatal(err)
		}
	}
	var all [][]int // and a received one belongs to the receiver
	for range 100 {
		all = append(all, receive(t, b))
	}
	for i, got := range all {
		if fmt.Sprint(got) != fmt.Sprint([]int{i}) {
			t.Errorf("value %d: got %v", i, got)
		}
	}
}
