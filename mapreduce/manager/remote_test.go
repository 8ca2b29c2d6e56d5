package manager

import (
	"context"
	"net"
)

// The tests use these functions of package remote, which imports this package: see
// remotehook_test.go.
var (
	NewKey     func() []byte
	Listen     func(network, address string, key []byte) (net.Listener, error)
	DialRemote func(ctx context.Context, network, address string, key []byte, opts ...Option) (*Client, error)
)
