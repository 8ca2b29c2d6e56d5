// Package remote connects managers and clients on different machines. Both sides prove by TLS 1.3 that they have the same
// key, which nobody can read, replay or forge on the way. It is a package of its own because TLS takes its time at the start
// of each process that has it linked in: only programs that go to other machines pay.
package remote

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"mrrun/mapreduce/internal/mtls"
	"mrrun/mapreduce/manager"
)

// NewKey returns a random key for [Listen] and [Dial]: 26 letters and digits.
func NewKey() []byte { return []byte(rand.Text()) }

// Listen listens for clients on other machines, for [manager.Serve], on a network that [net.Listen] knows ("tcp"). An address
// without a host is reached from this machine alone: "0.0.0.0:7000" says that you mean more. The key is at least 16 bytes of
// chance, see [NewKey], as one who has it can do all that a client can.
func Listen(network, address string, key []byte) (net.Listener, error) {
	if address == "" {
		address = ":0"
	}
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	config, err := mtls.Config(key, "server", "client")
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	return tls.NewListener(l, config), nil
}

// Dial connects to a manager that listens by [Listen] with the same key. Proxies of that manager that this process receives
// use the connection.
func Dial(ctx context.Context, network, address string, key []byte, opts ...manager.Option) (*manager.Client, error) {
	config, err := mtls.Config(key, "client", "server")
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	return manager.DialFunc(ctx, network+":"+address, func(ctx context.Context) (net.Conn, error) {
		conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
		if err != nil {
			return nil, fmt.Errorf("the key, the address or the server may be wrong: %w", err)
		}
		return conn, nil
	}, opts...)
}
