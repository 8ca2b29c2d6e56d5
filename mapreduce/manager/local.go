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

// ListenLocal listens for the processes of this user on this machine, on a Unix socket. On Linux it
// refuses the processes of other users, and the name of the socket is in no file system, so that
// nothing of it remains however this process ends. Elsewhere the socket is in a new directory that
// only this user can enter; closing the listener removes both.
func ListenLocal() (net.Listener, error) {
	l, dir, err := listenUnix()
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	return &localListener{l, dir}, nil
}

// A localListener accepts only processes of its own user.
type localListener struct {
	*net.UnixListener
	dir string // removed by Close; empty if there is none
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

// Address returns the address that [Dial] takes to connect to a listener made by [ListenLocal].
func Address(l net.Listener) string { return "unix:" + filepath.Clean(l.Addr().String()) }

// Dial connects to a manager of this user on this machine, at an address that [Client.Address] or
// [Address] has returned.
func Dial(ctx context.Context, address string, opts ...Option) (*Client, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return nil, fmt.Errorf("manager: dial %s: not a local address; use remote.Dial for other machines", address)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("manager: dial %s: %w", address, err)
	}
	if err := samePeer(conn.(*net.UnixConn)); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("manager: dial %s: the manager belongs to another user: %w", address, err)
	}
	return newClient(ctx, conn, address, opts)
}
