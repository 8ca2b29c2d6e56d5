package manager

import (
	"context"
	"fmt"
	"net"
)

// DialFunc connects to a manager by dial, whose connection the client owns. Proxies tell the address to other processes,
// which cannot dial it by themselves but use a client that they have of the same manager. Package remote has what is
// needed between machines; this is for other ways to get there, which see to it that nobody else does: see [Server.Serve].
func DialFunc(ctx context.Context, address string, dial func(context.Context) (net.Conn, error), opts ...Option) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, makeOptions(opts).greeting)
	defer cancel()
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	return newClient(ctx, conn, address, opts)
}
