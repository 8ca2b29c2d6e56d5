//go:build !linux

package manager

import (
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// listenUnix listens in a directory of its own. The name is random, so that no client takes this
// server for an earlier one.
func listenUnix() (l *net.UnixListener, dir string, err error) {
	if dir, err = os.MkdirTemp("", "manager-*"); err != nil { // its mode is 0700
		return nil, "", err
	}
	l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, rand.Text())})
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return l, dir, err
}

// samePeer accepts all processes: only this user can enter the directory of the socket.
func samePeer(*net.UnixConn) error { return nil }

func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// peerProcess returns 0: the process at the other end of a connection is unknown on this system.
func peerProcess(net.Conn) int { return 0 }
