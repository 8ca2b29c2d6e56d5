package manager

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"mrrun/transport"
)

// TestSilentClient uses clients that vanish without notice, that never finish what they send, and
// that never read. Each is cut off; a client that is only idle is not.
func TestSilentClient(t *testing.T) {
	const silence = time.Second
	dial := serve(t, Silence(silence), MaxMessage(1<<20))
	idle := dial()
	list := must1(NewList(within(t), idle, []string{strings.Repeat("x", 1<<19)}))
	t.Run("all", func(t *testing.T) {
		for name, is := range map[string]func(*testing.T, net.Conn){
			"vanished":      func(*testing.T, net.Conn) {},
			"never ending":  neverEnding(silence / 20),
			"not listening": notListening(list.id),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn := dialRaw(t, idle.Address())
				greet(t, conn)
				is(t, conn)
				cutOff(t, conn)
			})
		}
	})
	_, err := list.Len(within(t))
	check(t, err)
}

// neverEnding begins a call, and keeps sending it until it is cut off.
func neverEnding(pause time.Duration) func(*testing.T, net.Conn) {
	return func(t *testing.T, conn net.Conn) {
		call := frame(kindCall, 1, func(e *transport.Encoder) { must1(e.Write(make([]byte, 1000))) })
		for i := range call {
			if _, err := conn.Write(call[i : i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
		t.Error("it may take its time")
	}
}

// notListening calls a method with large results again and again, without reading them, until it is
// cut off.
func notListening(list uint64) func(*testing.T, net.Conn) {
	return func(t *testing.T, conn net.Conn) {
		call := frame(kindCall, 1, func(e *transport.Encoder) {
			e.Uint(list)
			e.String("Slice")
		})
		_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
		for {
			_, err := conn.Write(call)
			if timedOut(err) {
				t.Error("it need not listen")
			}
			if err != nil {
				return
			}
		}
	}
}

// TestHangingServer checks that a server that no longer says anything is lost.
func TestHangingServer(t *testing.T) {
	c := must1(Dial(within(t), impostor(t, serverHello(protocolVersion)), Silence(100*time.Millisecond)))
	_, err := NewLock(within(t), c)
	wants(t, "call", err, ErrLost)
	check(t, c.Close())
}

// impostor returns the address of a server that answers the first client with b, and after that
// reads and says nothing.
func impostor(t *testing.T, b []byte) (address string) {
	t.Helper()
	l := must1(ListenLocal())
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Write(b)
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-served
	})
	return Address(l)
}
