package manager

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"mrrun/transport"
)

// A carrier carries the frames between a client and its server after the greeting. It is their
// connection or, where that is a Unix socket on Linux, memory that both have mapped, with the
// socket as its bell.
type carrier interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// A greeting is what a client first learns of its server.
type greeting struct {
	instance string
	limit    uint64 // the largest message that it takes, in bytes
}

// greetServer is the client's part of the greeting; limit is the largest message that the client
// takes, in bytes. On success the carrier owns conn.
func greetServer(conn net.Conn, limit uint64) (l carrier, server greeting, err error) {
	shares := uint64(0)
	if canShare(conn) {
		shares = 1
	}
	_, err = conn.Write(hello(func(e *transport.Encoder) {
		e.Uint(protocolVersion)
		e.Uint(limit)
		e.Uint(shares)
	}))
	if err != nil {
		return nil, server, err
	}
	r := &sharingReader{conn: conn}
	f, err := transport.NewReader(r, maxHello).Next()
	if err == nil {
		server, err = parseServerHello(f)
	} else {
		err = fmt.Errorf("the server does not answer; it may have another key, or too many clients: %w", err)
	}
	if err != nil {
		r.drop()
		return nil, server, err
	}
	l, err = r.carrier()
	return l, server, err
}

func parseServerHello(f transport.Frame) (server greeting, err error) {
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if err != nil || f.Kind != kindHello {
		return server, fmt.Errorf("%w: the server is not a manager", transport.ErrFormat)
	}
	if version != protocolVersion {
		return server, fmt.Errorf("%w: got version %d, want %d", ErrVersion, version, protocolVersion)
	}
	if server.limit, err = d.Uint(); err == nil {
		server.instance, err = d.String()
	}
	return server, err
}

// greetClient is the server's part of the greeting; theirs is the largest message that the client
// takes, in bytes. On success the carrier owns conn.
func greetClient(conn net.Conn, server greeting) (l carrier, theirs uint64, err error) {
	f, err := transport.NewReader(conn, maxHello).Next()
	if err != nil {
		return nil, 0, err
	}
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if f.Kind != kindHello || err != nil {
		return nil, 0, fmt.Errorf("%w: it does not begin with a greeting", transport.ErrFormat)
	}
	answer := hello(func(e *transport.Encoder) {
		e.Uint(protocolVersion)
		e.Uint(server.limit)
		e.String(server.instance)
	})
	if version != protocolVersion {
		_, _ = conn.Write(answer) // so that the client can report it, too
		return nil, 0, fmt.Errorf("%w: the client's version is %d, want %d", ErrVersion, version, protocolVersion)
	}
	if theirs, err = d.Uint(); err != nil {
		return nil, 0, fmt.Errorf("%w: greeting: %w", transport.ErrFormat, err)
	}
	if shares, err := d.Uint(); err == nil && shares == 1 && canShare(conn) {
		l, err = share(conn, answer)
		return l, theirs, err
	}
	_, err = conn.Write(answer)
	return conn, theirs, err
}

// maxHello is the largest size of the body of a hello, in bytes.
const maxHello = 64

// hello encodes a frame with the body that the function body appends.
func hello(body func(*transport.Encoder)) []byte {
	var b bytes.Buffer
	w := transport.NewWriter(&b)
	_, _ = w.Add(kindHello, 0, func(e *transport.Encoder) error { body(e); return nil }) // small enough
	_ = w.Flush()                                                                        // b takes all of it
	return b.Bytes()
}
