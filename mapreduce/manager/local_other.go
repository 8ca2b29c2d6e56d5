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

// listenUnix listens in a directory of its own. Its name is random: nobody takes this server for one that was there before.
func listenUnix() (l *net.UnixListener, dir string, err error) {
	if dir, err = os.MkdirTemp("", "manager-*"); err != nil { // with mode 0700
		return nil, "", err
	}
	l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, rand.Text())})
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return l, dir, err
}

// samePeer leaves it to the directory, which only its user can enter.
func samePeer(*net.UnixConn) error { return nil }

func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
