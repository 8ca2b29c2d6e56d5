package manager

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mrrun/transport"
)

// dialRaw connects to a local manager without greeting it.
func dialRaw(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", strings.TrimPrefix(address, "unix:"))
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// frame encodes one frame as it is sent.
func frame(kind byte, tag uint32, encode func(*transport.Encoder)) []byte {
	var b strings.Builder
	w := transport.NewWriter(&b)
	must1(w.Add(kind, tag, func(e *transport.Encoder) error { encode(e); return nil }))
	must1(0, w.Flush())
	return []byte(b.String())
}

// clientHello returns what a client sends first.
func clientHello(version uint64) []byte {
	return frame(kindHello, 0, func(e *transport.Encoder) { e.Uint(version); e.Uint(64 << 20) })
}

func serverHello(version uint64) []byte {
	return frame(kindHello, 0, func(e *transport.Encoder) {
		e.Uint(version)
		e.Uint(64 << 20)
		e.String(strings.Repeat("i", instanceSize))
	})
}

// greet exchanges greetings as a client does first.
func greet(t *testing.T, conn net.Conn) {
	t.Helper()
	must1(conn.Write(clientHello(protocolVersion)))
	must1(io.ReadFull(conn, make([]byte, len(serverHello(protocolVersion)))))
}

// cutOff fails the test unless the other side ends the connection. It returns what came before
// that.
func cutOff(t *testing.T, conn net.Conn) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	b, err := io.ReadAll(conn)
	if timedOut(err) {
		t.Error("it is not cut off")
	}
	return string(b)
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
