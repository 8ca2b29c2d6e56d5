package manager

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"mrrun/transport"
)

// FuzzRequests sends arbitrary calls to a server: none may end the server, and none may leave a
// later one without an answer.
func FuzzRequests(f *testing.F) {
	e := transport.NewEncoder(nil)
	for _, m := range []string{"Set", "Get", "Add", "Extend", "Put", "Wait", "New", "Func", "Close", "Slice", "CompareAndSwap"} {
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
		for _, own := range ownMakers {
			kind, maker := own.kind, own.make
			_, _ = srv.add("", nature{kind: kind}, func() (object, error) { return maker(s, transport.NewDecoder(bytes.Clone(args.Bytes()))) })
		}
		for id := range uint64(len(ownMakers) + 1) {
			_ = s.handle(transport.Frame{Kind: kindCall, Tag: uint32(id), Body: append([]byte{byte(id)}, body...)})
		}
		_ = s.handle(transport.Frame{Kind: kindCall, Tag: 1000, Body: body})
		s.cancel()
		_ = near.Close()
		s.waiting.Wait()
		srv.dismiss(s)
	})
}

// FuzzServer checks that the server reads whatever a client sends to its end and goes on, and that
// another client is served.
func FuzzServer(f *testing.F) {
	requests, _ := recordTraffic(f)
	requests = requests[1:] // without the greeting
	var whole []byte
	for _, r := range requests {
		b := reframe(r)
		f.Add(b)
		whole = append(whole, b...)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, l := fuzzServer(t, plain)
		good := clientOf(t, l.dial(t))
		conn := l.dial(t)
		greet(t, conn)
		send(t, conn, stream)
		isServed(t, good)
	})
}

// reframe encodes a frame as it is sent.
func reframe(f transport.Frame) []byte {
	return frame(f.Kind, f.Tag, func(e *transport.Encoder) { must1(e.Write(f.Body)) })
}

// send sends a stream, and returns what the server answers before it ends the connection.
func send(t *testing.T, conn *net.UnixConn, stream []byte) []byte {
	t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(fuzzTime))
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(stream)
		_ = conn.CloseWrite()
		sent <- err
	}()
	answer, err := io.ReadAll(conn)
	if timedOut(err) || timedOut(<-sent) {
		panic("the server does not read on")
	}
	return answer
}

func isServed(t *testing.T, c *Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), fuzzTime)
	defer cancel()
	text, err := upper.Call(ctx, c, "abc")
	check(t, err)
	equal(t, "answer", text, "ABC")
}
