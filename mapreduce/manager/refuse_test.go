package manager

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"mrrun/mapreduce/internal/mtls"
	"mrrun/transport"
)

// sends writes text and then nothing more.
func sends(text string) func(net.Conn) net.Conn {
	return func(conn net.Conn) net.Conn {
		_, _ = conn.Write([]byte(text))
		return conn
	}
}

// trickles writes text so slowly that 100 bytes take four seconds: it is cut off before.
func trickles(t *testing.T, text string) func(net.Conn) net.Conn {
	return func(conn net.Conn) net.Conn {
		for i := range text {
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return conn
			}
			time.Sleep(40 * time.Millisecond)
		}
		t.Error("it may take its time")
		return conn
	}
}

// says writes text over TLS, to a server whose key it does not check.
func says(text string, config *tls.Config) func(net.Conn) net.Conn {
	return func(conn net.Conn) net.Conn {
		config.InsecureSkipVerify = true
		return sends(text)(tls.Client(conn, config))
	}
}

// TestStrangers connects strangers of all kinds to a listener for other machines at the same time.
// Each is cut off and gets nothing that is meant for clients. A client that has the key is served
// meanwhile.
func TestStrangers(t *testing.T) {
	key := NewKey()
	address := serveRemote(t, key, Greeting(300*time.Millisecond))
	friend := must1(NewValue(within(t), dialRemote(t, address, key), 0))
	hello := string(clientHello(protocolVersion))
	as := func(key []byte, role string) *tls.Config {
		return &tls.Config{Certificates: must1(mtls.Config(key, role, "server")).Certificates}
	}
	slow := string(frame(kindHello, 0, func(e *transport.Encoder) { must1(e.Write(make([]byte, 64))) }))
	old := as(key, "client")
	old.MaxVersion = tls.VersionTLS12
	for name, come := range map[string]func(net.Conn) net.Conn{
		"silent":                sends(""),
		"HTTP":                  sends("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"SSH":                   sends("SSH-2.0-scanner\r\n"),
		"without TLS":           sends(hello),
		"broken TLS":            sends("\x16\x03\x01\x02\x00"),
		"TLS alert":             sends("\x15\x03\x03\x00\x02\x02\x28"),
		"slow":                  trickles(t, "\x16\x03\x01\x00\x64\x01"+strings.Repeat("\x00", 99)),
		"no identity":           says(hello, &tls.Config{}),
		"TLS 1.2":               says(hello, old),
		"another key":           says(hello, as(NewKey(), "client")),
		"another role":          says(hello, as(key, "server")),
		"the key, then nothing": says("", as(key, "client")),
		"the key, then HTTP":    says("GET / HTTP/1.1\r\n\r\n", as(key, "client")),
		"the key, then slowly": func(conn net.Conn) net.Conn {
			return trickles(t, slow)(says("", as(key, "client"))(conn))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := must1(net.Dial("tcp", address))
			defer conn.Close()
			if heard := cutOff(t, come(conn)); strings.HasPrefix(heard, "mr") {
				t.Errorf("it hears %q", heard)
			}
			cutOff(t, conn)
			if _, err := friend.Add(within(t), 1); err != nil {
				t.Error("who has the key is not served:", err)
			}
		})
	}
}

// TestKeys checks that each side refuses a peer whose key it does not expect, and that keys that
// can be guessed are refused.
func TestKeys(t *testing.T) {
	address := serveRemote(t, NewKey())
	_, err := DialRemote(within(t), "tcp", address, NewKey())
	wants(t, "the server's key is another", err, mtls.ErrWrongKey)
	_, err = DialRemote(within(t), "tcp", address, []byte("short"))
	equal(t, "a short key is refused", err != nil, true)
	_, err = Listen("tcp", ":0", []byte("short"))
	equal(t, "a short key is refused", err != nil, true)
}

func TestVersion(t *testing.T) {
	dial := serve(t)
	conn := dialRaw(t, dial().Address())
	must1(conn.Write(clientHello(99)))
	equal(t, "the server tells its version, and no more", len(cutOff(t, conn)), len(serverHello(protocolVersion)))

	_, err := Dial(within(t), impostor(t, serverHello(99)))
	wants(t, "the client", err, ErrVersion)
	_, err = Dial(within(t), impostor(t, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")))
	wants(t, "not a manager", err, transport.ErrFormat)
	_, err = Dial(within(t), impostor(t, nil), Greeting(100*time.Millisecond))
	wants(t, "no answer", err, os.ErrDeadlineExceeded)
}
