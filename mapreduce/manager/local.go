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

// ListenLocal listens at a Unix socket in a new directory that only this user can enter; Close removes both. On Linux it
// also refuses the processes of other users.
func ListenLocal() (net.Listener, error) {
	dir, err := os.MkdirTemp("", "manager-*") // with mode 0700
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	l, err := listenIn(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return &localListener{l, dir}, nil
}

func listenIn(dir string) (*net.UnixListener, error) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	_ = f.Close()
	path := f.Name() + ".sock" // random: nobody takes this server for one that was there before
	_ = os.Remove(f.Name())
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		return nil, fmt.Errorf("manager: listen: %w", err)
	}
	return l, nil
}

// A localListener accepts the processes of its own user alone.
type localListener struct {
	*net.UnixListener
	dir string // removed with it; "": the owner of the directory does so
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
