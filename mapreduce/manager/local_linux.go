package manager

import (
	"cmp"
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

// samePeer returns an error unless the process at the other end of a Unix socket belongs to the
// same user.
func samePeer(conn *net.UnixConn) error {
	peer, err := peerOf(conn)
	if err != nil {
		return err
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("its user is %d, ours is %d", peer.Uid, os.Geteuid())
	}
	return nil
}

// peerOf returns the credentials of the process that made the other end of a Unix socket.
func peerOf(conn *net.UnixConn) (peer *unix.Ucred, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return peer, cmp.Or(failed, err)
}

// peerProcess returns the process ID at the other end of a connection, or 0 if it is unknown.
func peerProcess(conn net.Conn) int {
	if socket, ok := conn.(*net.UnixConn); ok {
		if peer, err := peerOf(socket); err == nil {
			return int(peer.Pid)
		}
	}
	return 0
}

func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
