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

// greetServer is the client's part of the greeting. The link has conn from then on.
func greetServer(conn net.Conn) (l link, instance string, err error) {
	shares := uint64(0)
	if canShare(conn) {
		shares = 1
	}
	_, err = conn.Write(hello(func(e *transport.Encoder) {
		e.Uint(protocolVersion)
		e.Uint(shares)
	}))
	if err != nil {
		return nil, "", err
	}
	r := &sharingReader{conn: conn}
	f, err := transport.NewReader(r, maxHello).Next()
	if err == nil {
		instance, err = parseServerHello(f)
	} else {
		err = fmt.Errorf("the server does not answer; it may have another key, or too many clients: %w", err)
	}
	if err != nil {
		r.drop()
		return nil, "", err
	}
	l, err = r.link()
	return l, instance, err
}

func parseServerHello(f transport.Frame) (instance string, err error) {
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if err != nil || f.Kind != kindHello {
		return "", fmt.Errorf("%w: the server is no manager", transport.ErrFormat)
	}
	if version != protocolVersion {
		return "", fmt.Errorf("%w: %d, ours is %d", ErrVersion, version, protocolVersion)
	}
	return d.String()
}

// greetClient is the server's part. The link has conn from then on.
func greetClient(conn net.Conn, instance string) (link, error) {
	f, err := transport.NewReader(conn, maxHello).Next()
	if err != nil {
		return nil, err
	}
	d := transport.NewDecoder(f.Body)
	version, err := d.Uint()
	if f.Kind != kindHello || err != nil {
		return nil, fmt.Errorf("%w: it does not begin with a greeting", transport.ErrFormat)
	}
	shares, err := d.Uint()
	answer := hello(func(e *transport.Encoder) {
		e.Uint(protocolVersion)
		e.String(instance)
	})
	if version != protocolVersion {
		_, _ = conn.Write(answer) // so that the client can say it, too
		return nil, fmt.Errorf("%w: the client's is %d, ours is %d", ErrVersion, version, protocolVersion)
	}
	if err == nil && shares == 1 && canShare(conn) {
		return share(conn, answer)
	}
	_, err = conn.Write(answer)
	return conn, err
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
