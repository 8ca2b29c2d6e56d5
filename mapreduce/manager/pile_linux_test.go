package manager

import (
	"bytes"
	"io"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"mrrun/transport"
)

// If a client asks for much at once, faster than it reads, the answers do not pile up in the
// server.
func TestAnswersDoNotPileUp(t *testing.T) {
	const calls, size = 2000, 128 << 10
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	list := must1(NewList(ctx, m, [][]byte{make([]byte, size)}))
	conn := dialRaw(t, m.Address())
	greet(t, conn)
	must1(conn.Write(bytes.Repeat(frame(kindCall, 1, func(e *transport.Encoder) {
		e.Uint(list.id)
		e.String("Slice")
	}), calls)))
	must1(io.CopyN(io.Discard, conn, calls*size))
	if had := must1(takeCensus.Call(ctx, m, struct{}{})); had.Most > calls*size/4 {
		t.Errorf("for answers of %d MiB it has taken %d MiB", calls*size>>20, had.Most>>20)
	}
}

// An argument that declares more than has come is refused before memory is allocated for it.
func TestArgumentDeclaresTooMuch(t *testing.T) {
	ctx := within(t)
	m := must1(Start(ctx))
	defer m.Close()
	o := must1(accounts.New(ctx, m))
	gigabytes := msgpack.RawMessage{0xc6, 0xff, 0xff, 0xff, 0xff}
	_, err := Call[string](ctx, o, "Greet", gigabytes)
	wants(t, "call", err, ErrType)
	if had := must1(takeCensus.Call(ctx, m, struct{}{})); had.Most > 1<<30 {
		t.Errorf("it has taken %d MiB", had.Most>>20)
	}
}
