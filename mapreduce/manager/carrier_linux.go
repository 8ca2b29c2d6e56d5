package manager

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"mrrun/internal/shm"
	"mrrun/internal/stream"
)

// shareSize is the number of bytes that a carrier's memory holds in each direction.
const shareSize = 64 << 10

// canShare reports whether the other side is on this machine, so that memory can be shared with it.
func canShare(conn net.Conn) bool {
	_, ok := conn.(*net.UnixConn)
	return ok
}

// share sends an answer together with the file of the memory that carries the carrier. Where there
// is no such memory, the carrier is conn.
func share(conn net.Conn, answer []byte) (carrier, error) {
	region, err := newMemory()
	if err != nil {
		_, err = conn.Write(answer)
		return conn, err
	}
	socket := conn.(*net.UnixConn)
	_, _, err = socket.WriteMsgUnix(answer, unix.UnixRights(int(region.File().Fd())), nil)
	if err != nil {
		_ = region.Close()
		return nil, fmt.Errorf("share memory with the client: %w", err)
	}
	return openStream(region, 0, socket)
}

func newMemory() (*shm.Region, error) {
	region, err := stream.NewRegion(shareSize)
	if err != nil {
		return nil, err
	}
	if err := region.Reserve(0, int64(len(region.Bytes()))); err != nil {
		_ = region.Close()
		return nil, err
	}
	return region, nil
}

// openStream makes a carrier from memory that both sides have and from the socket between them.
func openStream(region *shm.Region, side int, socket *net.UnixConn) (carrier, error) {
	s, err := openRings(region, side, socket)
	if err != nil {
		_ = region.Close()
		return nil, fmt.Errorf("open the shared memory: %w", err)
	}
	return s, nil
}

func openRings(region *shm.Region, side int, socket *net.UnixConn) (*stream.Stream, error) {
	// Both sides have mapped it, or will from the descriptor that was sent.
	if err := region.CloseFile(); err != nil {
		return nil, err
	}
	return stream.Open(region, side, stream.Bell{In: socket, Out: socket}, nil)
}

// A sharingReader reads from a server, and keeps the file that comes with the data.
type sharingReader struct {
	conn net.Conn
	file *os.File
}

// Read reads data. If the connection can bring a file, and none has come yet, Read receives that
// too.
func (r *sharingReader) Read(p []byte) (int, error) {
	socket, ok := r.conn.(*net.UnixConn)
	if !ok || r.file != nil {
		return r.conn.Read(p)
	}
	control := make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := socket.ReadMsgUnix(p, control)
	if err != nil || m == 0 {
		return n, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:m])
	if err != nil || len(messages) != 1 {
		return n, fmt.Errorf("%d messages came with the greeting, want 1 (error %v)", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return n, fmt.Errorf("%d files came with the greeting, want 1 (error %v)", len(fds), err)
	}
	r.file = os.NewFile(uintptr(fds[0]), "memory of the manager")
	return n, nil
}

// carrier returns the carrier over the memory in the file, or the connection if no file has come.
func (r *sharingReader) carrier() (carrier, error) {
	if r.file == nil {
		return r.conn, nil
	}
	region, err := shm.MapRegion(r.file)
	if err != nil {
		return nil, err
	}
	return openStream(region, 1, r.conn.(*net.UnixConn))
}

func (r *sharingReader) drop() { r.file.Close() } // closing a nil file only returns an error
