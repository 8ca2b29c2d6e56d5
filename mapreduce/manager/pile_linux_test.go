package manager

import (
	"bytes"
	"io"
	"testing"

	"mrrun/transport"
)

// A client that asks for much at once, faster than it listens, does not have the answers pile up in the server.
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
		e.String("slice")
	}), calls)))
	must1(io.CopyN(io.Discard, conn, calls*size))
	if had := must1(takeCensus.Call(ctx, m, struct{}{})); had.Most > calls*size/4 {
		t.Errorf("for answers of %d MiB it has taken %d MiB", calls*size>>20, had.Most>>20)
	}
}
