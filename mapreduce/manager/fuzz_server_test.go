package manager

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"

	"mrrun/transport"
)

// FuzzRequests has a server take any calls: none may end it, and none may leave a later one without an answer.
func FuzzRequests(f *testing.F) {
	e := transport.NewEncoder(nil)
	for _, m := range []string{"set", "get", "add", "extend", "put", "wait", "new", "func", "drop", "slice", "cas"} {
		e.Truncate(0)
		e.Uint(1)
		e.String(m)
		e.Blob([]byte("key"))
		e.Uint(7)
		f.Add(bytes.Clone(e.Bytes()))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		srv := NewServer(MaxMessage(1 << 16))
		near, far := net.Pipe()
		defer far.Close()
		s := newSession(context.Background(), srv, near)
		go func() { _, _ = io.Copy(io.Discard, far) }()
		args := transport.NewEncoder(nil)
		args.Uint(5)
		for kind, maker := range makers {
			_, _ = srv.add("", kind, func() (object, error) { return maker(s, transport.NewDecoder(bytes.Clone(args.Bytes()))) })
		}
		for id := range uint64(len(makers) + 1) {
			_ = s.handle(transport.Frame{Kind: kindCall, Tag: uint32(id), Body: append([]byte{byte(id)}, body...)})
		}
		_ = s.handle(transport.Frame{Kind: kindCall, Tag: 1000, Body: body})
		s.cancel()
		_ = near.Close()
		s.waiting.Wait()
		srv.dismiss(s)
	})
}
