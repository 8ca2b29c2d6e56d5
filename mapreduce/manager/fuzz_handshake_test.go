package manager

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"mrrun/mapreduce/internal/mtls"
)

// FuzzHandshake checks that whatever comes to a server before a greeting, with and without TLS,
// ends or greets, gets nothing without the key, and does not keep another client from being served,
// and that a dial returns whatever a server begins with.
func FuzzHandshake(f *testing.F) {
	const toServer, toTLSServer, toClient, sides = 0, 1, 2, 3
	key := []byte("the key of the fuzz test")
	requests, answers := recordTraffic(f)
	for side := range byte(sides) {
		f.Add(side, reframe(requests[0]))
		f.Add(side, reframe(answers[0]))
		f.Add(side, append(reframe(requests[0]), reframe(requests[1])...))
		f.Add(side, append(reframe(answers[0]), reframe(answers[1])...))
		f.Add(side, clientHello(99))
		f.Add(side, serverHello(99))
		f.Add(side, []byte("GET / HTTP/1.1\r\n\r\n"))
		f.Add(side, recordTLS(f, key))
	}
	serving, dialing := must1(mtls.Config(key, "server", "client")), must1(mtls.Config(key, "client", "server"))
	withTLS := func(l net.Listener) net.Listener { return tls.NewListener(l, serving) }
	f.Fuzz(func(t *testing.T, side byte, stream []byte) {
		switch side % sides {
		case toServer:
			_, l := fuzzServer(t, plain)
			good := clientOf(t, l.dial(t))
			send(t, l.dial(t), stream)
			isServed(t, good)
		case toTLSServer:
			_, l := fuzzServer(t, withTLS)
			if answer := send(t, l.dial(t), stream); bytes.Contains(answer, []byte(fuzzInstance)) {
				t.Errorf("the server greets one that has no key: %q", answer)
			}
			isServed(t, clientOf(t, tls.Client(l.dial(t), dialing)))
		case toClient:
			near, far := socketPair(t)
			var server sync.WaitGroup
			server.Go(func() { send(t, far, stream) })
			defer server.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), fuzzTime)
			defer cancel()
			if c, err := newClient(ctx, near, "unix:pair", nil); err == nil {
				check(t, c.Close())
			}
			check(t, ctx.Err())
		}
	})
}

// recordTLS returns what a client that has the key sends to a server.
func recordTLS(f *testing.F, key []byte) []byte {
	near, far := socketPair(f)
	r := &recorder{Conn: near}
	server := tls.Server(far, must1(mtls.Config(key, "server", "client")))
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	client := tls.Client(r, must1(mtls.Config(key, "client", "server")))
	_ = client.SetDeadline(time.Now().Add(fuzzTime))
	check(f, client.Handshake())
	check(f, <-done)
	_ = near.Close()
	_ = far.Close()
	return r.sent.Bytes()
}
