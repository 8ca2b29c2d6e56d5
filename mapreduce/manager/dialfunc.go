package manager

import (
	"context"
	"fmt"
	"net"
)

// DialFunc connects to a manager through the connection that dial returns, which the client then
// owns. The ctx of dial ends after the time set by [Greeting]. Proxies tell the address to other
// processes, which cannot dial it themselves but use a client that is connected to the same
// manager. Package remote has what is needed between machines; DialFunc is for other kinds of
// connections, which must not let strangers in: see [Server.Serve].
func DialFunc(ctx context.Context, address string, dial func(context.Context) (net.Conn, error), opts ...Option) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, makeOptions(opts).greeting)
	defer cancel()
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	return newClient(ctx, conn, address, opts)
}
