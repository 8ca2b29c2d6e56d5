package manager

import (
	"net"
	"strings"
	"sync"
	"testing"

	"mrrun/transport"
)

// rawCarrier greets a server as a client does, and leaves the rest to the test.
func rawCarrier(t *testing.T, address string) carrier {
	t.Helper()
	conn := must1(net.Dial("unix", strings.TrimPrefix(address, "unix:")))
	l, _, err := greetServer(conn, 64<<20)
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// Garbage in the shared memory ends the connection that uses it, and no other.
func TestGarbageInSharedMemory(t *testing.T) {
	good := serve(t)()
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "mr\x01\x63\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		l := rawCarrier(t, good.Address())
		must1(l.Write([]byte(text)))
		if n, err := l.Read(make([]byte, 100)); err == nil {
			t.Errorf("%q is not a call without an answer of %d bytes", text, n)
		}
	}
	must1(NewLock(within(t), good))
}

// Many calls at once, whose arguments and answers fill the memory, do not block each other.
func TestLargeCallsBothWays(t *testing.T) {
	ctx := within(t)
	c := serve(t)()
	d := must1(NewDict[int, []byte](ctx, c))
	large := make([]byte, 4*shareSize)
	check(t, d.Set(ctx, 0, large))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 20 {
				if err := d.Set(ctx, 1+i, large); err != nil {
					t.Error(err)
				}
				if v, _, err := d.Get(ctx, 0); err != nil || len(v) != len(large) {
					t.Error(len(v), err)
				}
			}
		})
	}
	all.Wait()
}

// A client of another implementation, which knows nothing of shared memory, is served through its
// socket.
func TestPlainSocket(t *testing.T) {
	c := serve(t)()
	conn := must1(net.Dial("unix", strings.TrimPrefix(c.Address(), "unix:")))
	defer conn.Close()
	greet(t, conn)
	in, out := transport.NewReader(conn, 0), transport.NewWriter(conn)
	must1(out.Add(kindPing, 7, nil))
	check(t, out.Flush())
	if f := must1(in.Next()); f.Kind != kindPong || f.Tag != 7 {
		t.Errorf("got %+v", f)
	}
}
