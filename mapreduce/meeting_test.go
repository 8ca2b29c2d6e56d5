package mapreduce

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A place is where a task meets the test that started it.
type place struct {
	Addr     string
	Stubborn bool // ignores its context
}

// meetDriver reports that it runs, and returns when it is released, or with an error when its
// context ends.
func meetDriver(ctx context.Context, at place) (int, error) {
	conn, err := net.Dial("tcp", at.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	fmt.Fprintln(conn, os.Getpid())
	letGo := make(chan struct{})
	go func() {
		defer close(letGo)
		_, _ = conn.Read(make([]byte, 1))
	}()
	if at.Stubborn {
		<-letGo
		return os.Getpid(), nil
	}
	select {
	case <-letGo:
		return os.Getpid(), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// A meeting is the test's side of a place.
type meeting struct {
	t        *testing.T
	listener net.Listener
}

func newMeeting(t *testing.T) *meeting {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &meeting{t, listener}
}

func (m *meeting) place() place { return place{Addr: m.listener.Addr().String()} }

// A guest is a task that runs and waits.
type guest struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	pid  int
}

// await waits for the next task and returns it.
func (m *meeting) await() *guest {
	conn, err := m.listener.Accept()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.Close() })
	g := &guest{t: m.t, conn: conn, in: bufio.NewReader(conn)}
	line, err := g.in.ReadString('\n')
	if err != nil {
		m.t.Fatal(err)
	}
	g.pid, _ = strconv.Atoi(strings.TrimSpace(line))
	return g
}

func (g *guest) letGo() { g.conn.Close() }

// awaitEnd waits until the task has returned.
func (g *guest) awaitEnd() { _, _ = g.in.ReadByte() }
