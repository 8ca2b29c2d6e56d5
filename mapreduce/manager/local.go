package manager

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// ListenLocal listens for the processes of this user on this machine, at a Unix socket. On Linux it refuses those of others,
// and its name is in no file system, so that nothing of it stays however this process ends. Elsewhere it is in a new directory
// that only this user can enter; Close removes both.
func ListenLocal() (net.Listener, error) {
	l, dir, err := listenUnix()
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	return &localListener{l, dir}, nil
}

// A localListener accepts the processes of its own user alone.
type localListener struct {
	*net.UnixListener
	dir string // removed with it; "": there is none
}

func (l *localListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if err = samePeer(conn); err == nil {
			return conn, nil
		}
		slog.Warn("manager: refused a process of another user", "error", err)
		_ = conn.Close()
	}
}

func (l *localListener) Close() error {
	err := l.UnixListener.Close()
	if l.dir != "" {
		_ = os.RemoveAll(l.dir)
	}
	return err
}

// Address is what [Dial] takes to get to a listener that [ListenLocal] has made.
func Address(l net.Listener) string { return "unix:" + filepath.Clean(l.Addr().String()) }

// Dial connects to a manager of this user on this machine, whose address [Client.Address] or [Address] has told.
func Dial(ctx context.Context, address string, opts ...Option) (*Client, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return nil, fmt.Errorf("manager: dial %s: it is no local address; remote.Dial takes those of other machines", address)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	if err := samePeer(conn.(*net.UnixConn)); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("manager: dial %s: the manager is another user's: %w", address, err)
	}
	return newClient(ctx, conn, address, opts)
}
