// Package remote connects managers and clients on different machines. By TLS 1.3, both sides prove
// to each other that they have the same key; nobody in between can read, replay or forge what they
// send. It is a package of its own because TLS takes time at the start of each process that links
// it: only programs that connect to other machines pay for it.
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

// Listen listens for clients on other machines, for [manager.Serve], on a network that [net.Listen]
// knows ("tcp"). An address without a host can be reached from this machine only; for all
// interfaces, use "0.0.0.0:7000", for example. The key must be at least 16 random bytes, see
// [NewKey]: everyone that has it can do all that a client can.
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

// Dial connects to a manager on a listener made by [Listen] with the same key. Proxies of objects
// on that manager that this process receives use the connection.
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
