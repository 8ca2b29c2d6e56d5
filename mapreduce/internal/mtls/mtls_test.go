package mtls

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"testing"
)

func TestConfig(t *testing.T) {
	key, other := []byte("sixteen bytes or"), []byte("another sixteen ")
	ours := func(key []byte, own, peer string) *tls.Config {
		t.Helper()
		c, err := Config(key, own, peer)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	server := ours(key, "server", "client")
	old := ours(key, "client", "server")
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	two := ours(key, "client", "server")
	two.Certificates[0].Certificate = append(two.Certificates[0].Certificate, two.Certificates[0].Certificate[0])
	for name, tt := range map[string]struct {
		client   *tls.Config
		accepted bool
		byClient bool // the client refuses
	}{
		"the same key":        {ours(key, "client", "server"), true, false},
		"another key":         {ours(other, "client", "server"), false, true},
		"another, and trusts": {&tls.Config{InsecureSkipVerify: true, Certificates: ours(other, "client", "server").Certificates}, false, false},
		"the server's role":   {ours(key, "server", "server"), false, false},
		"no certificate":      {&tls.Config{InsecureSkipVerify: true}, false, false},
		"two certificates":    {two, false, false},
		"TLS 1.2":             {old, false, false},
	} {
		near, far := net.Pipe()
		refused := make(chan error, 1)
		go func() {
			conn := tls.Server(near, server)
			err := conn.Handshake()
			if err == nil {
				_, err = conn.Write([]byte("hello"))
			}
			refused <- err
			_ = near.Close()
		}()
		conn := tls.Client(far, tt.client)
		got := make([]byte, 5)
		_, err := conn.Read(got)
		_ = far.Close()
		byServer := <-refused
		if accepted := err == nil && byServer == nil && bytes.Equal(got, []byte("hello")); accepted != tt.accepted {
			t.Errorf("%s: accepted %t: %v, %v", name, accepted, err, byServer)
		}
		if tt.byClient && !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: the client says %v", name, err)
		}
	}
	if _, err := Config([]byte("short"), "client", "server"); err == nil {
		t.Error("a short key is taken")
	}
}
