package manager

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"mrrun/transport"
)

// A link carries the frames between a client and its server once they have greeted: their connection, or, where that is a Unix
// socket, memory that both have mapped, with the socket as its bell.
type link interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// A greeting is what a client learns of its server first.
type greeting struct {
	instance string
	limit    uint64 // of the messages that it takes, in bytes
}

// greetServer is the client's part of the greeting; limit is that of its own messages. The link has conn from then on.
func greetServer(conn net.Conn, limit uint64) (l link, server greeting, err error) {
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
	l, err = r.link()
	return l, server, err
}

func parseServerHello(f transport.Frame) (server greeting, err error) {
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if err != nil || f.Kind != kindHello {
		return server, fmt.Errorf("%w: the server is no manager", transport.ErrFormat)
	}
	if version != protocolVersion {
		return server, fmt.Errorf("%w: %d, ours is %d", ErrVersion, version, protocolVersion)
	}
	if server.limit, err = d.Uint(); err == nil {
		server.instance, err = d.String()
	}
	return server, err
}

// greetClient is the server's part; theirs is the limit of the messages that the client takes. The link has conn from then on.
func greetClient(conn net.Conn, server greeting) (l link, theirs uint64, err error) {
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
		_, _ = conn.Write(answer) // so that the client can say it, too
		return nil, 0, fmt.Errorf("%w: the client's is %d, ours is %d", ErrVersion, version, protocolVersion)
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

// maxHello is the largest body of a hello.
const maxHello = 64

// hello makes a frame.
func hello(body func(*transport.Encoder)) []byte {
	var b bytes.Buffer
	w := transport.NewWriter(&b)
	_, _ = w.Add(kindHello, 0, func(e *transport.Encoder) error { body(e); return nil }) // it is small
	_ = w.Flush()                                                                        // a buffer takes it
	return b.Bytes()
}
