package manager

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mrrun/transport"
)

// fuzzTime is how long anything may take while fuzzing: if it takes longer, it hangs.
const fuzzTime = 20 * time.Second

// fuzzInstance is the instance of all servers while fuzzing, so that references to their objects
// are the same in each run.
var fuzzInstance = strings.Repeat("I", instanceSize)

// socketPair returns both ends of a connection of Unix sockets.
func socketPair(t testing.TB) (a, b *net.UnixConn) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	check(t, err)
	var ends [2]*net.UnixConn
	for i, fd := range pair {
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "")
		conn, err := net.FileConn(f)
		check(t, err)
		_ = f.Close()
		ends[i] = conn.(*net.UnixConn)
	}
	return ends[0], ends[1]
}

// A pairListener accepts connections that this process makes to itself.
type pairListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPairListener() *pairListener {
	return &pairListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pairListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pairListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pairListener) Addr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "pair"} }

func (l *pairListener) dial(t testing.TB) *net.UnixConn {
	near, far := socketPair(t)
	l.conns <- far
	return near
}

// fuzzServer runs a server for one run of a fuzz test; wrap may wrap its listener. At the end
// nothing of the server may remain.
func fuzzServer(t testing.TB, wrap func(net.Listener) net.Listener) (*Server, *pairListener) {
	t.Helper()
	srv := NewServer(MaxMessage(1<<16), Greeting(fuzzTime), Silence(fuzzTime), Log(slog.New(panicLog{slog.DiscardHandler, t})))
	srv.instance = fuzzInstance
	l := newPairListener()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, wrap(l)) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			check(t, err)
		case <-time.After(fuzzTime):
			panic("the server does not end") // to print the stacks of all goroutines
		}
	})
	return srv, l
}

func plain(l net.Listener) net.Listener { return l }

// panicLog is a log that fails the test when a method of the server has panicked, except one that
// is meant to panic.
type panicLog struct {
	slog.Handler
	t testing.TB
}

func (h panicLog) Enabled(context.Context, slog.Level) bool { return true }

func (h panicLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelError {
		return nil
	}
	var text strings.Builder
	r.Attrs(func(a slog.Attr) bool { text.WriteString(a.String() + "\n"); return true })
	if !strings.Contains(text.String(), "at the bank") { // see account.Panic
		h.t.Error(r.Message, text.String())
	}
	return nil
}

// clientOf returns a client on conn.
func clientOf(t testing.TB, conn net.Conn) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), fuzzTime)
	defer cancel()
	c, err := newClient(ctx, conn, "unix:pair", []Option{Silence(fuzzTime)})
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A recorder is a connection that records the data in both directions.
type recorder struct {
	net.Conn
	mu          sync.Mutex
	sent, heard bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.Conn.Write(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(b[:n])
	return n, err
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard.Write(b[:n])
	return n, err
}

// frames cuts a stream into frames.
func frames(stream []byte) (all []transport.Frame) {
	r := transport.NewReader(bytes.NewReader(stream), 0)
	for {
		f, err := r.Next()
		if err != nil {
			return all
		}
		f.Body = bytes.Clone(f.Body)
		all = append(all, f)
	}
}

// recordTraffic returns the frames in both directions while a client uses one object of each kind.
func recordTraffic(t testing.TB) (requests, answers []transport.Frame) {
	_, l := fuzzServer(t, plain)
	r := &recorder{Conn: l.dial(t)}
	c := clientOf(t, r)
	ctx, cancel := context.WithTimeout(context.Background(), fuzzTime)
	defer cancel()
	useAll(ctx, c)
	_ = c.Close()
	return frames(r.sent.Bytes()), frames(r.heard.Bytes())
}

// useAll uses objects of all kinds; each call that may wait runs once with a ctx that has ended.
func useAll(ctx context.Context, c *Client) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	d := must1(NewDict[string, any](ctx, c, Named("dict")))
	inner := must1(NewDict[string, int](ctx, c))
	_ = d.Set(ctx, "inner", inner)
	_ = d.Set(ctx, "int", 7)
	_ = d.Set(ctx, "text", "words")
	_, _, _ = d.Get(ctx, "inner")
	_, _ = d.CompareAndSwap(ctx, "int", 7, 8)
	_, _ = d.Keys(ctx)
	_, _ = d.Items(ctx)
	_, _, _ = d.Pop(ctx, "text")
	_, _ = inner.Add(ctx, "n", 1)
	_, _ = inner.Update(ctx, "n", double)
	_ = d.Clear(ctx)

	l := must1(NewList(ctx, c, []int{1, 2, 3}))
	_ = l.Extend(ctx, []int{4, 5})
	_ = l.Insert(ctx, -1, 9)
	_, _ = l.Slice(ctx, 1, -1)
	_, _ = l.Pop(ctx, 0)
	_, _ = l.Remove(ctx, 5)
	a := must1(NewArray[float64](ctx, c, 4))
	_, _ = a.Add(ctx, 1, 0.5)
	v := must1(NewValue(ctx, c, 1))
	_, _ = v.Swap(ctx, 2)

	q := must1(NewQueue[string](ctx, c, 1))
	_ = q.Put(ctx, "first")
	_ = q.Put(ended, "second")
	_ = q.Join(ended)
	_, _ = q.Get(ctx)
	_, _, _ = q.TryGet(ctx)
	_, _ = q.Get(ended)
	_ = q.TaskDone(ctx)
	_ = q.Close()

	lock := must1(NewLock(ctx, c, Named("lock")))
	cond := must1(NewCond(ctx, lock))
	_ = lock.Lock(ctx)
	_ = lock.Lock(ended)
	_ = cond.Wait(ended)
	_ = cond.Notify(ctx, 2)
	lock.MarkConsistent()
	lock.Unlock()
	r := must1(NewRLock(ctx, c))
	_, _ = r.TryLock(ctx)
	s := must1(NewBoundedSemaphore(ctx, c, 1))
	_ = s.Acquire(ctx)
	_ = s.Acquire(ended)
	_ = s.Release()
	e := must1(NewEvent(ctx, c))
	_ = e.Wait(ended)
	_ = e.Set(ctx)
	b := must1(NewBarrier(ctx, c, 2))
	_, _ = b.Wait(ended)
	_ = b.Reset(ctx)

	o := must1(accounts.New(ctx, c))
	_, _ = Call[int](ctx, o, "Deposit", 5)
	_, _ = Call[struct{}](ctx, o, "Set", "Owner", "me")
	_, _ = Call[struct{}](ended, o, "Wait")
	_, _ = upper.Call(ctx, c, "abc")
	_ = inner.Close()
}
