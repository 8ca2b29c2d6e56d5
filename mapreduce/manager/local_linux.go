package manager

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenUnix listens on an abstract name. The name is random, so that no client takes this server
// for an earlier one.
func listenUnix() (l *net.UnixListener, dir string, err error) {
	l, err = net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: "@mrrun-manager-" + rand.Text()})
	return l, "", err
}

// samePeer returns an error unless the process at the other end of a Unix socket belongs to the same user.
func samePeer(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var got error
	if err := raw.Control(func(fd uintptr) {
		peer, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if got != nil {
		return got
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("its user is %d, ours is %d", peer.Uid, os.Geteuid())
	}
	return nil
}

func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
